"""The far sides of the troubled hour do what its checker believes they did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
from botocore.exceptions import ClientError, HTTPClientError
from moto.server import ThreadedMotoServer

from bench.troubled import objects
from bench.troubled.hook_server import BadReceiver
from bench.troubled.mail_server import BadServer, Connection
from bench.troubled.prefect_proxy import Proxy
from bench.troubled.script import BUCKET, Script, address, hook, object_name
from bench.troubled.store_server import BadStore


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


async def test_the_store_slows_down_refuses_cuts_and_loses_answers(tmp_path: Path) -> None:
    moto = ThreadedMotoServer("127.0.0.1", 0)
    moto.start()
    _, good = moto.get_host_and_port()
    objects.client_at(good).create_bucket(Bucket=BUCKET)
    store = BadStore(tmp_path / "journal.jsonl", Script(), good)
    async with _listening(await asyncio.start_server(store.handle, "127.0.0.1", 0)) as port:
        client = objects.client_at(port, tries=1)

        def put(number: int) -> str:
            given = {"Bucket": BUCKET, "Key": object_name(number), "Body": b"rows", "Metadata": {"mailroom-key": "k"}}
            try:
                client.put_object(**given, IfNoneMatch="*")
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            except HTTPClientError as error:
                return type(error).__name__
            return "stored"

        assert await asyncio.to_thread(put, 5) == "stored", "it is good until it is told"
        store.turn_bad()
        assert [await asyncio.to_thread(put, 10) for _ in range(4)] == ["SlowDown"] * 3 + ["stored"]
        assert await asyncio.to_thread(put, 11) == "AccessDenied"
        # By now one was stored of those whose answers may be lost; six more, and five uploads were begun.
        told = [await asyncio.to_thread(put, number) for number in (1, 2, 3, 4, 6, 7, 8, 9)]
        assert told.count("stored") == 6
        assert len(told) - told.count("stored") == 2, "one was cut in its middle, and the answer to one was lost"
        found = await asyncio.to_thread(objects.read, port)
    moto.stop()
    lost = [line["recipient"] for line in map(json.loads, (tmp_path / "journal.jsonl").read_text().splitlines())
        if line.get("cut")]  # fmt: skip
    assert len(lost) == 1
    assert lost[0] in found
    assert len(found) == 9, "the upload that was cut is not there"
    assert all(content == b"rows" for content, _ in found.values())
