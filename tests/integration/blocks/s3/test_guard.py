"""Whatever a name or a store says, no connection ends at an address that is not permitted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom import outbound
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, TargetForbidden
from tests.integration.blocks.s3.far_side import channel_to
from tests.support.certificates import self_signed
from tests.support.listening import Listener, listening
from tests.support.parcels import a_parcel
from tests.support.s3.servers import S3Server

DESTINATION = S3Destination(connection="test", path="report.bin")
KEYS = {"identity": "keys", "access_key_id": "CANARY", "secret_access_key": "secret", "bucket": "reports"}
Addresses = dict[str, list[str]]


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Be the name server: each look-up of a name takes its next address, and then always the last."""
    known: Addresses = {}

    async def getaddrinfo(host: str, port: int, **_options: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        address = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", staticmethod(getaddrinfo))
    return known


@pytest.fixture
async def inside() -> AsyncIterator[Listener]:
    async with listening() as far:
        yield far


@pytest.mark.parametrize("use", ["deliver", "check"])
async def test_a_name_that_changes_its_mind(
    names: Addresses, inside: Listener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, use: str
) -> None:
    """It was public when it was looked up first; when it is connected to, it leads inside."""
    monkeypatch.delenv(outbound.VARIABLE)
    names["s3.example.com"] = ["8.8.8.8", "127.0.0.1"]
    channel = S3Channel(endpoint=f"https://s3.example.com:{inside.port}", timeout_seconds=5, **KEYS)
    parcel = a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"})
    with pytest.raises(TargetForbidden):
        await (channel.deliver(parcel) if use == "deliver" else channel.check(Steps()))
    assert names["s3.example.com"] == ["127.0.0.1"]
    assert inside.connections == []


async def test_a_bucket_in_another_region(
    names: Addresses, inside: Listener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """AWS sends a request on to another region, whose name leads inside: the guard sees this connection as well."""
    asked: list[str] = []
    pem = self_signed(tmp_path, names=["reports.s3.eu-central-1.amazonaws.com"])
    moved = b"HTTP/1.1 301 Moved\r\nx-amz-bucket-region: eu-west-1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(moved)
        await writer.drain()
        writer.close()

    far = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=pem.context)
    real = outbound.connect

    async def connect(host: str, port: int, **options: Any) -> socket.socket:
        asked.append(host)
        if host == "reports.s3.eu-central-1.amazonaws.com":
            return await real("127.0.0.1", far.sockets[0].getsockname()[1], **options)
        return await real(host, port, **options)

    monkeypatch.setattr(outbound, "connect", connect)
    names["127.0.0.1"] = ["127.0.0.1"]
    names["reports.s3.eu-west-1.amazonaws.com"] = ["169.254.169.254"]
    channel = S3Channel(region="eu-central-1", ca_certificates=pem.pem, timeout_seconds=10, **KEYS)
    with pytest.raises(TargetForbidden):
        await channel.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"}))
    assert asked[0] == "reports.s3.eu-central-1.amazonaws.com"
    assert asked[-1] == "reports.s3.eu-west-1.amazonaws.com"
    far.close()


async def test_a_redirect_is_not_followed(inside: Listener, tmp_path: Path) -> None:
    async with listening() as elsewhere:
        inside.answer = (
            f"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:{elsewhere.port}/x\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        channel = S3Channel(endpoint=f"http://127.0.0.1:{inside.port}", allow_plain=True, timeout_seconds=5, **KEYS)
        with pytest.raises(ConfigurationError) as refused:
            await channel.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"}))
    assert refused.value.field == "endpoint"
    assert elsewhere.connections == []


async def test_plain_http_is_for_hosts_of_the_operator(
    names: Addresses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is even connected to."""
    asked: list[str] = []

    async def connect(host: str, *_rest: Any, **_options: Any) -> socket.socket:
        asked.append(host)
        raise OSError

    monkeypatch.setattr(outbound, "connect", connect)
    names["s3.example.com"] = ["8.8.8.8"]
    with pytest.raises(ValueError, match="allow_plain"):
        S3Channel(endpoint="http://s3.example.com", **KEYS)
    channel = S3Channel(endpoint="http://s3.example.com", allow_plain=True, timeout_seconds=5, **KEYS)
    for attempt in (channel.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"})), channel.check(Steps())):
        with pytest.raises(ConfigurationError) as refused:
            await attempt
        assert refused.value.field == "endpoint"
    assert asked == []


async def test_an_abort_cuts_encrypted_connections(server: S3Server, silent_port: int, tmp_path: Path) -> None:
    """A store that takes everything and says nothing is left in time."""
    channel = channel_to(server, port=silent_port, timeout=2)
    began = asyncio.get_running_loop().time()
    with pytest.raises(MailroomError):
        await channel.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"}))
    assert asyncio.get_running_loop().time() - began < 10
