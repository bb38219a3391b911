"""The answer of an endpoint is examined and kept once its status says yes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Grade, Receipt
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.errors import ConfigurationError, Gone, OutcomeUnknown, Refused, RetryLater
from tests.support.parcels import a_parcel

SECRET = "whsec_Y3VycmVudC1zaWduaW5nLWtleS1vZi0zMi1ieXRlcyE="
EXPECT = {"pointer": "/status", "equals": "accepted"}
Answering = Callable[[bytes], AbstractAsyncContextManager[int]]


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """Run a server that answers each request with these bytes and hangs up; yields its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def delivered(folder: Path, answer: bytes, **expect: Any) -> Receipt:
    destination = WebhookDestination.model_validate({"connection": "hook", "expect": expect})
    async with answering(answer) as port:
        channel = WebhookChannel(
            url=f"http://127.0.0.1:{port}/hook?key=canary-in-url",
            signing_secret=SECRET,
            auth="bearer",
            auth_secret="canary-token",
            timeout_seconds=20,
        )
        return await channel.deliver(a_parcel(folder, destination, {"a.csv": b"1"}))


def http(body: bytes, status: str = "200 OK", more: str = "", length: int | None = None) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n{more}\r\n"
    return head.encode() + body


async def test_a_yes_is_delivered(tmp_path: Path) -> None:
    receipt = await delivered(tmp_path, http(b'{"status": "accepted"}'), **EXPECT)
    assert (receipt.grade, receipt.reference) == (Grade.ACCEPTED, "execution-1:0")


async def test_a_no_with_a_good_status_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        await delivered(tmp_path, http(b'{"status": "canary-answer"}'), **EXPECT)
    assert "canary" not in f"{caught.value} {caught.value.remedy}"


@pytest.mark.parametrize("body", [b"", b"accepted", b'{"status": "accepted"}' + b" " * 70_000])
async def test_what_cannot_be_checked_is_no_yes(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(Refused):
        await delivered(tmp_path, http(body), **EXPECT)


async def test_an_answer_that_breaks_off_leaves_it_unknown(tmp_path: Path) -> None:
    broken = http(b'{"status": ', length=100)
    with pytest.raises(OutcomeUnknown):
        await delivered(tmp_path, broken, **EXPECT)
    assert (await delivered(tmp_path, broken)).grade is Grade.ACCEPTED, "Without an expectation the status is enough."


async def test_the_status_comes_first(tmp_path: Path) -> None:
    for status, outcome in (
        ("503 Busy", RetryLater),
        ("429 Slow", RetryLater),
        ("410 Gone", Gone),
        ("401 Who", ConfigurationError),
        ("201 Created", Refused),
    ):
        with pytest.raises(outcome):
            await delivered(tmp_path, http(b'{"status": "accepted"}', status), status=["200"], **EXPECT)


async def test_what_the_endpoint_has_already_can_be_a_yes(tmp_path: Path) -> None:
    receipt = await delivered(tmp_path, http(b"", "409 Conflict"), status=["200-299", "409"])
    assert receipt.detail["status"] == 409


@pytest.mark.parametrize(
    ("more", "body", "reference"),
    [
        ("X-Request-Id: r-1\r\n", b"", "r-1"),
        ("X-Request-Id: r-1\r\n", b'{"id": "j-1"}', "j-1"),
        ("", b'{"id": 7}', "7"),
        ("X-Request-Id: canary-token\r\n", b"", "execution-1:0"),
        ("X-Request-Id: canary-in-url\r\n", b"", "execution-1:0"),
        ("X-Request-Id: a b\r\n", b"", "execution-1:0"),
    ],
)
async def test_an_id_is_the_reference(tmp_path: Path, more: str, body: bytes, reference: str) -> None:
    receipt = await delivered(tmp_path, http(body, more=more), id_pointer="/id")
    assert receipt.reference == reference
    assert receipt.grade is (Grade.ACCEPTED if reference == "execution-1:0" else Grade.ACCEPTED_WITH_ID)
