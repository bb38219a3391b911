"""The settings of a connection from a command line, on which no secret stands."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.connection_settings import merged
from mailroom.connections.kinds import block_types
from prefect_mailroom.errors import MailroomError

CANARY = "canary-41aa-written-out"


def settings_of(kind: str, *given: str, secrets: tuple[str, ...] = (), stored: dict[str, Any] | None = None) -> Any:
    return merged(stored or {}, block_types()[kind].model_json_schema(), given=given, secrets=secrets)


def test_values_are_read_as_their_settings_take_them() -> None:
    found = settings_of(
        "email",
        "credentials.smtp_port=2525",
        "credentials.username=123",
        "credentials.smtp_type=STARTTLS",
        "credentials.verify=false",
        "from_name=null",
        "timeout_seconds=5.5",
        'retries.delays=[30, 60]',
    )  # fmt: skip
    assert found == {
        "credentials": {"smtp_port": 2525, "username": "123", "smtp_type": "STARTTLS", "verify": False},
        "from_name": "null",
        "timeout_seconds": 5.5,
        "retries": {"delays": [30, 60]},
    }
    assert settings_of("email", "credentials.username=null") == {"credentials": {"username": None}}
    assert settings_of("email", "nothing=x=y") == {"nothing": "x=y"}


def test_what_is_stored_stays_and_is_not_changed_in_place() -> None:
    stored = {"root": "/srv", "retries": {"delays": [1]}}
    assert settings_of("folder", "retries.then_every=5", stored=stored)["retries"] == {"delays": [1], "then_every": 5}
    assert stored == {"root": "/srv", "retries": {"delays": [1]}}


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("with space \r\n")
    found = settings_of("shell", secrets=(f"environment.TOKEN=@{file}",))
    assert found == {"environment": {"TOKEN": "with space "}}


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        ((f"credentials.password={CANARY}",), ()),
        ((), (f"credentials.password={CANARY}",)),
        ((), ("credentials.password=@/nonexistent/file",)),
        ((), ("credentials.password",)),  # Nobody is at a terminal.
        (("from_name",), ()),
    ],
)
def test_a_secret_that_is_written_out_is_refused_and_not_repeated(
    given: tuple[str, ...], secrets: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(MailroomError) as caught:
        settings_of("email", *given, secrets=secrets)
    assert CANARY not in str(caught.value)
