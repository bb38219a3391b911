"""Endpoints that may not be reached: nothing leaves, seen at real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_mailroom import outbound
from prefect_mailroom.channels.azure.channel import AzureChannel
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.objects import identity
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError, TargetForbidden
from prefect_mailroom.testing.outcomes import failure
from tests.support.azure.azurite import KEY
from tests.support.listening import listening
from tests.support.remote.parcels import parcel_to

METADATA = ["169.254.169.254", "168.63.129.16", "[fd00:ec2::254]"]
INSIDE = ["127.0.0.1", "localhost", "2130706433", "[::1]", "[64:ff9b::7f00:1]", "10.0.0.5"]


def channel(host: str, port: int, **settings: Any) -> AzureChannel:
    given = {"account": "contoso", "container": "reports", "identity": "key", "account_key": KEY, "timeout_seconds": 5}
    endpoint = f"http://{host}:{port}/contoso"
    return AzureChannel(**{**given, "endpoint": endpoint, "allow_plain": True, **settings})


async def refusals(found: AzureChannel, folder: Path) -> list[Exception]:
    """Return how it refuses to be stored, checked, asked and used."""
    parcel = parcel_to(AzureDestination(connection="out"), folder, {"a.csv": b"figures"})
    return [
        await failure(attempt)
        for attempt in (found.screen(), found.check(Steps()), found.choices(), found.deliver(parcel))
    ]


@pytest.mark.parametrize("host", [*METADATA, *INSIDE])
async def test_the_inside_is_closed(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    async with listening() as far:
        for error in await refusals(channel(host, far.port), tmp_path):
            assert isinstance(error, TargetForbidden), repr(error)
        assert far.connections == []


@pytest.mark.parametrize("kind", ["managed", "key"])
async def test_the_service_of_the_machine_is_no_endpoint(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the machine's identity may be used: the library asks that service, and no user names it."""
    monkeypatch.delenv(outbound.VARIABLE)
    monkeypatch.setenv(identity.VARIABLE, "true")
    for error in await refusals(channel("169.254.169.254", 80, identity=kind), tmp_path):
        assert isinstance(error, ConfigurationError), repr(error)
        assert error.field in ("host", "identity")


async def test_prefects_own_server_is_never_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "0.0.0.0/0 ::/0")
    async with listening() as prefect:
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{prefect.port}/api"}):
            for error in await refusals(channel("127.0.0.1", prefect.port), tmp_path):
                assert isinstance(error, TargetForbidden), repr(error)
        assert prefect.received == b""


async def test_proxies_of_the_environment_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    async with listening() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        parcel = parcel_to(AzureDestination(connection="out"), tmp_path, {"a.csv": b"figures"})
        await failure(channel("127.0.0.1", closed_port).deliver(parcel))
        assert proxy.connections == []
