"""Stand in front of an Azurite that speaks HTTP, see each request, and answer some of them in its place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One request, as it came; `path` has its query."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """An answer as Azure gives it, with its code in a header and in the body."""

    status: int
    code: str
    headers: dict[str, str] = field(default_factory=dict)

    def written(self, *, with_body: bool) -> bytes:
        """Return all of its bytes."""
        text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{self.code}</Code><Message>no</Message></Error>'
        body = text.encode() if with_body and self.code else b""
        told = {"Content-Type": "application/xml", "Content-Length": str(len(body)), "Connection": "close"}
        if self.code:
            told["x-ms-error-code"] = self.code
        lines = [
            f"HTTP/1.1 {self.status} Answer",
            *(f"{name}: {value}" for name, value in {**told, **self.headers}.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin1") + body


@dataclass
class Front:
    """What was seen, and what is answered.

    Attributes:
        answer: what to answer in place of the server; None to pass a request on.
        forgets: whether the answer of the server to a request is kept from its client, whose connection is cut.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Answer | None] = lambda request: None
    forgets: Callable[[Request], bool] = lambda request: False


@contextlib.asynccontextmanager
async def front_of(port: int) -> AsyncIterator[Front]:
    """Lead to a port of this machine, one request on each connection, while the context lasts."""
    front = Front()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _one(front, port, reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()


async def _one(front: Front, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin1").rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if ": " in line)}
    request = Request(method, path, headers)
    front.requests.append(request)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    if (answer := front.answer(request)) is not None:
        writer.write(answer.written(with_body=method != "HEAD"))
        await writer.drain()
        return
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    kept = [line for line in lines if not line.lower().startswith("connection:")]
    far_writer.write("\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin1") + body)
    told = await far_reader.read(-1)
    far_writer.close()
    if front.forgets(request):
        writer.transport.abort()
        return
    writer.write(told)
    await writer.drain()
