"""A server that only counts: who connected, and what they sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Listener:
    """`connections` holds the bytes that each client has sent so far, `answer` is sent to each as soon as it writes."""

    port: int = 0
    answer: bytes = b""
    connections: list[bytearray] = field(default_factory=list)

    @property
    def received(self) -> bytes:
        """Return all bytes of all clients."""
        return b"".join(map(bytes, self.connections))


@contextlib.asynccontextmanager
async def listening(answer: bytes = b"", host: str | None = None) -> AsyncIterator[Listener]:
    """Listen on a free port of every address of this machine, or of `host`."""
    far = Listener(answer=answer)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = bytearray()
        far.connections.append(received)
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65_536):
                received += piece
                if far.answer:
                    writer.write(far.answer)
                    await writer.drain()
                    break
        writer.close()

    with socket.create_server((host or "0.0.0.0", 0)) as four:  # to be reached by every address
        far.port = four.getsockname()[1]
        six = await asyncio.start_server(serve, "::", far.port) if host is None and socket.has_ipv6 else None
        server = await asyncio.start_server(serve, sock=four.dup())
        try:
            yield far
        finally:
            for one in (server, six):
                if one is not None:
                    one.close()


def own_addresses() -> list[str]:
    """Return this machine's IPv4 addresses in its networks."""
    import psutil

    return [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
