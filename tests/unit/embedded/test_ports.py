"""Ports that cannot be had are refused by number, holder and variable."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import ports
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen on a port; yields its number."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def _settings(tmp_path: Path, **values: object) -> Settings:
    free = dict(zip(ports.PORT_FIELDS, ports.free_ports("127.0.0.1", len(ports.PORT_FIELDS)), strict=True))
    return Settings.model_validate({"data_dir": tmp_path, **free, **values})


def test_a_taken_port_is_refused_with_its_holder_and_variable(tmp_path: Path, taken: int) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ports.check_ports(_settings(tmp_path, api_port=taken))

    assert f"Port {taken} (MAILROOM_API_PORT) is in use" in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    assert "set the variable" in refused.value.remedy


def test_free_ports_are_fine(tmp_path: Path) -> None:
    assert ports.faults(_settings(tmp_path)) == []


def test_free_ports_differ_and_are_none_that_the_system_gives_to_whoever_connects() -> None:
    found = ports.free_ports("127.0.0.1", 20)
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        assert max(found) < given.getsockname()[1]
    assert len(set(found)) == 20
    assert all(ports.is_free("127.0.0.1", port) for port in found)


def test_a_host_that_is_not_this_machine_has_no_free_port() -> None:
    with pytest.raises(ConfigurationError) as refused:
        ports.free_port("192.0.2.1")  # Kept for examples; no machine has it.
    assert refused.value.field == "MAILROOM_HOST"


def test_a_port_taken_instead_is_none_that_another_part_wants(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(tmp_path, mail_smtp_port=taken)
    draws = [settings.api_port, settings.prefect_port, taken, spare := ports.free_port("127.0.0.1")]
    monkeypatch.setattr(ports, "_candidates", lambda: draws)

    changed, _ = ports.with_free_ports(settings)

    assert changed.mail_smtp_port == spare


def test_the_same_port_twice_is_refused(tmp_path: Path) -> None:
    port = ports.free_port("127.0.0.1")

    assert ports.faults(_settings(tmp_path, api_port=port, mail_web_port=port)) == [
        f"Port {port} is set in both MAILROOM_API_PORT and MAILROOM_MAIL_WEB_PORT."
    ]


def test_an_operators_own_prefect_needs_no_port(tmp_path: Path, taken: int) -> None:
    settings = _settings(tmp_path, prefect_port=taken, prefect_api_url="http://prefect.example/api")

    assert ports.faults(settings) == []


def test_the_demo_takes_a_free_port_instead_and_says_so(tmp_path: Path, taken: int) -> None:
    settings = _settings(tmp_path, mail_smtp_port=taken)
    changed, said = ports.with_free_ports(settings)

    assert changed.mail_smtp_port != taken
    assert changed.api_port == settings.api_port
    assert said == [f"Port {taken} is in use; MAILROOM_MAIL_SMTP_PORT is {changed.mail_smtp_port} this time."]
    assert ports.faults(changed) == []
