"""Stand in front of an S3 that speaks HTTP, see each request, and answer some of them in its place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

Answer = tuple[int, str]
"""The status and the body of an answer."""


@dataclass(frozen=True)
class Request:
    """One request, as it came.

    Attributes:
        token: the session token that it was signed with; empty for keys that stay.
    """

    method: str
    path: str
    headers: dict[str, str]

    @property
    def token(self) -> str:
        return self.headers.get("x-amz-security-token", "")

    @property
    def is_sts(self) -> bool:
        return "/sts/aws4_request" in self.headers.get("authorization", "")


@dataclass
class Front:
    """What was seen, and what is answered.

    Attributes:
        answer: what to answer in place of the server; None to pass a request on.
        rewrite: changes the body of an answer of STS.
        hang_up: close the connection in place of the server's answer.
        holds: never answer, and pass nothing on.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Answer | None] = lambda request: None
    rewrite: Callable[[str], str] = str
    hang_up: Callable[[Request], bool] = lambda request: False
    holds: Callable[[Request], bool] = lambda request: False

    def tokens(self, method: str = "PUT") -> list[str]:
        """Return the session tokens of the requests of a kind, each once and in order."""
        return list(dict.fromkeys(one.token for one in self.requests if one.method == method and not one.is_sts))


def error(code: str, status: int = 400) -> Answer:
    """Return an answer as S3 gives it."""
    return status, f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>no</Message></Error>'


@contextlib.asynccontextmanager
async def front_of(port: int) -> AsyncIterator[Front]:
    """Lead to a port of this machine, one request on each connection, while the context lasts."""
    front = Front()

    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _one(front, port, reader, writer)
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 20)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one(front: Front, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin1").rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if ": " in line)}
    request = Request(method, path, headers)
    front.requests.append(request)
    if headers.get("expect"):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if front.holds(request):
        await reader.read(-1)  # Until the client gives up.
        return
    left = int(headers.get("content-length", 0))
    if (answer := front.answer(request)) is not None:
        while left:
            left -= len(await reader.read(min(left, 1 << 20)))
        status, text = answer
        _write(writer, f"HTTP/1.1 {status} Answer", b"" if method == "HEAD" else text.encode())
        await writer.drain()
        return
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    kept = [line for line in lines if not line.lower().startswith(("connection:", "expect:"))]
    far_writer.write("\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin1"))
    while left:
        piece = await reader.read(min(left, 1 << 20))
        if not piece:
            break
        left -= len(piece)
        far_writer.write(piece)
        await far_writer.drain()
    told = await far_reader.readuntil(b"\r\n\r\n")
    if front.hang_up(request):
        return
    if request.is_sts:
        body = front.rewrite((await far_reader.read(-1)).decode())
        _write(writer, told.decode("latin1").split("\r\n")[0], body.encode())
    else:
        lines = [
            line for line in told.decode("latin1").rstrip().split("\r\n") if not line.lower().startswith("connection:")
        ]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin1"))
        while piece := await far_reader.read(1 << 20):
            writer.write(piece)
            await writer.drain()
    await writer.drain()
    far_writer.close()


def _write(writer: asyncio.StreamWriter, first: str, body: bytes) -> None:
    head = f"{first}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode("latin1") + body)
