"""The far sides of the troubled hour do what its checker believes they did."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from bench.troubled.hook_server import BadReceiver
from bench.troubled.mail_server import BadServer, Connection
from bench.troubled.prefect_proxy import Proxy
from bench.troubled.script import STORES, Script, address, hook, object_name
from bench.troubled.stores import good, objects
from bench.troubled.stores.good import Good
from bench.troubled.stores.server import BadStores
from bench.troubled.stores.vendors import VENDORS
from prefect_mailroom import outbound
from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE
from prefect_mailroom.channels.registry import channel_type, destination
from prefect_mailroom.errors import MailroomError
from tests.support.remote.parcels import parcel_to


@asynccontextmanager
async def _listening(server: asyncio.Server) -> AsyncIterator[int]:
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request with its body, and close, as it asks for."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(4)
    assert b"connection: close" in head.lower()
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\n" + body)
    await writer.drain()
    writer.close()


async def test_the_proxy_spoils_every_twentieth_request_once_it_is_told_to() -> None:
    async with _listening(await asyncio.start_server(_echo, "127.0.0.1", 0)) as target:
        proxy = Proxy(target)
        async with (
            _listening(await asyncio.start_server(proxy.handle, "127.0.0.1", 0)) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            before = [await client.post("/x", content=b"body") for _ in range(20)]
            proxy.begin()
            after = [await client.post("/x", content=b"body") for _ in range(40)]
    assert {(answer.status_code, answer.content) for answer in before} == {(200, b"body")}
    assert [number for number, answer in enumerate(after, 1) if answer.status_code == 500] == [20, 40]


async def test_the_proxy_says_that_prefect_is_away() -> None:
    async with _listening(await asyncio.start_server(_echo, "127.0.0.1", 0)) as target:
        pass
    proxy = Proxy(target)
    async with (
        _listening(await asyncio.start_server(proxy.handle, "127.0.0.1", 0)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert (await client.post("/x", content=b"body")).status_code == 502


async def _send(port: int, number: int) -> str:
    """Send one mail; return what came of it."""
    mail = EmailMessage()
    mail["Message-ID"] = f"<{number}@example.com>"
    mail.set_content("Hello")
    try:
        await aiosmtplib.send(
            mail, sender="a@example.com", recipients=[address(number)], hostname="127.0.0.1", port=port, timeout=20
        )
    except aiosmtplib.SMTPServerDisconnected:
        return "cut"
    except aiosmtplib.SMTPRecipientsRefused as refused:
        return str(refused.recipients[0].code)
    except aiosmtplib.SMTPConnectResponseError as error:
        return str(error.code)
    return "taken"


async def test_the_mail_server_troubles_as_scripted_and_keeps_a_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    bad = BadServer(journal, Script())
    loop = asyncio.get_running_loop()
    async with _listening(await loop.create_server(lambda: Connection(bad, hostname="test"), "127.0.0.1", 0)) as port:
        assert [await _send(port, number) for number in (5, 11, 5)] == ["taken"] * 3, "it is not bad yet"
        bad.turn_bad()
        found = [await _send(port, number) for number in range(1, 15)]
    events = {
        "taken": "accepted",
        "cut": "accepted",
        "451": "greylisted",
        "550": "refused",
        "421": "turned away",
    }
    expected = [*["taken"] * 4, "451", "taken", "taken", "cut", "taken", "451", "550", "taken", "421", "taken"]
    assert found == expected
    lines: list[dict[str, Any]] = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["event"] for line in lines[3:]] == [events[one] for one in expected]
    (cut,) = (line for line in lines if line.get("cut"))
    assert (cut["recipient"], cut["message_id"]) == (address(8), "<8@example.com>")


async def _call(client: httpx.AsyncClient, number: int) -> str:
    """Call the webhook of one schedule; return what came of it."""
    facts = {"data": {"schedule": {"name": f"troubled {number - 1}"}}}
    try:
        answer = await client.post("/", json=facts, headers={"webhook-id": f"id-{number}"})
    except httpx.TransportError:
        return "cut"
    return str(answer.status_code)


async def test_the_receiver_troubles_as_scripted_and_keeps_a_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    bad = BadReceiver(journal, Script())
    async with (
        _listening(await asyncio.start_server(bad.handle, "127.0.0.1", 0)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert [await _call(client, number) for number in (5, 11, 5)] == ["200"] * 3, "it is not bad yet"
        bad.turn_bad()
        found = [await _call(client, number) for number in range(1, 15)]
    # The seventh that is taken is cut after it; the thirteenth connection is turned away.
    assert found == [*["200"] * 4, "503", "200", "200", "cut", "200", "503", "400", "200", "cut", "200"]
    lines: list[dict[str, Any]] = [json.loads(line) for line in journal.read_text().splitlines()]
    (cut,) = (line for line in lines if line.get("cut"))
    assert (cut["recipient"], cut["message_id"]) == (hook(8), "id-8")
    assert [line["event"] for line in lines].count("turned away") == 1


@pytest.fixture(scope="module")
def good_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Good, Path]]:
    """Return the good stores, and the folder that tells where they are."""
    folder = tmp_path_factory.mktemp("stores")
    with good.running(folder) as (stores, front):
        stores.write(folder, front.key_file)
        yield stores, folder


_STORE_SECONDS = {"s3": 8, "azure": 3, "gcs": 12}
"""The time of an attempt, in seconds. While S3 is busy, its client waits up to three seconds between its tries, and
then tells it; Google's gives up a store that does not answer after a quarter of this."""


@pytest.mark.parametrize("kind", STORES)
async def test_each_store_slows_down_refuses_cuts_hangs_and_loses_answers(
    kind: str, good_stores: tuple[Good, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    monkeypatch.setenv(HOSTS_VARIABLE, "127.0.0.1")
    stores, folder = good_stores
    journal = tmp_path / "journal.jsonl"
    bad = BadStores(journal, Script())
    handler = bad.before(VENDORS[kind], getattr(stores, kind))
    async with _listening(await asyncio.start_server(handler, "127.0.0.1", 0)) as port:
        settings = good.settings(folder, dict.fromkeys(STORES, port))[kind]
        channel = channel_type(kind)(**settings, timeout_seconds=_STORE_SECONDS[kind])

        async def put(number: int) -> str:
            given = {"channel": kind, "connection": "test", "path": object_name(number)}
            parcel = parcel_to(destination(given), tmp_path, {"a.csv": b"rows"}, key=f"key-{number}")
            try:
                await channel.deliver(parcel)
            except MailroomError as error:
                return type(error).__name__
            return "stored"

        assert await put(5) == "stored", "it is good until it is told"
        bad.turn_bad()
        assert await put(10) == "RetryLater"
        assert await put(10) == "stored"
        assert await put(11) == "ConfigurationError"
        for number in (*range(1, 5), *range(6, 10), *range(12, 14)):
            # What was cut or hung is not there; a further attempt finds it so, and writes it.
            told = [await put(number)]
            while told[-1] != "stored" and len(told) < 6:
                told.append(await put(number))
            assert told[-1] == "stored", (number, told)
        found = await asyncio.to_thread(objects.read, stores)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    events = Counter(line["event"] for line in lines)
    assert events["refused"] == 1
    assert min(events[one] for one in ("greylisted", "hung", "turned away")) >= 1
    assert sum(bool(line.get("cut")) for line in lines) >= 1, "the answer to an upload that was stored was lost"
    accepted = Counter(line["recipient"] for line in lines if line["event"] == "accepted")
    assert accepted == dict.fromkeys((object_name(one) for one in range(1, 14) if one != 11), 1)
    rows = (b"rows", hashlib.sha256(b"rows").hexdigest())
    assert {name: one for name, one in found.items() if name.startswith(f"{kind}/")} == {
        f"{kind}/{name}": rows for name in accepted
    }
