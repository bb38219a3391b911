"""`python -m bench.troubled.prefect_proxy PORT TARGET_PORT`: stands before Prefect, and spoils every 20th request.

It passes everything on until SIGUSR1; from then on every 20th request is answered with 500 and never reaches Prefect.
Websockets are passed on as they are. Each request gets a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping

SPOILED_EVERY = 20
_MOST_HEAD = 2**18
_BODY = b'{"exception_message": "Internal Server Error"}'
_REFUSAL = (
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: " + str(len(_BODY)).encode() + b"\r\n\r\n" + _BODY
)
_AWAY = b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def fields(head: bytes) -> Mapping[str, str]:
    """Return the header fields of a request's head, with names in small letters. Pure."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def closing(head: bytes) -> bytes:
    """Return the head with a wish that the server closes the connection after its answer. Pure."""
    lines = [line for line in head.rstrip().split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"connection: close", b"", b""])


class Proxy:
    """Passes requests on to `target`, a port of this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._spoiling = False
        self._requests = 0

    def begin(self) -> None:
        """Begin to spoil requests."""
        self._spoiling = True

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = fields(head)
        upgrade = "upgrade" in found
        # Clients of Prefect send whole bodies with their length.
        body = b"" if upgrade else await reader.readexactly(int(found.get("content-length", 0)))
        if self._spoils(upgrade):
            writer.write(_REFUSAL)
            await writer.drain()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=_MOST_HEAD)
        except ConnectionError:
            writer.write(_AWAY)
            await writer.drain()
            return
        try:
            far_writer.write((head if upgrade else closing(head)) + body)
            await far_writer.drain()
            back = asyncio.create_task(_pipe(far_reader, writer))
            forth = asyncio.create_task(_pipe(reader, far_writer))
            await (
                asyncio.wait([back, forth], return_when=asyncio.FIRST_COMPLETED) if upgrade else asyncio.wait([back])
            )
            for pipe in (back, forth):
                pipe.cancel()
            await asyncio.gather(back, forth, return_exceptions=True)
        finally:
            far_writer.close()

    def _spoils(self, upgrade: bool) -> bool:
        if not self._spoiling or upgrade:
            return False
        self._requests += 1
        return self._requests % SPOILED_EVERY == 0


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(2**16):
        target.write(piece)
        await target.drain()


async def serve(port: int, target: int) -> None:
    """Serve until the process is ended."""
    proxy = Proxy(target)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, proxy.begin)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", port, limit=_MOST_HEAD)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
