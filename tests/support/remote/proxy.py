"""Stand between a client and a real server, and treat their connection as a bad network does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass
class Network:
    """A way to a server, which can be made bad while it is used.

    Attributes:
        port: where clients connect.
        cut_after: cut each connection once the client has sent so many bytes on it.
        silent_after: pass on nothing in either direction once the client has sent so many bytes.
        delay: seconds that each piece waits, in each direction.
        lets_pass: asked about each piece, and whether the client sent it; a connection is cut before one that may not.
        opened: how many connections there were.
        open: how many there are.
        most: how many there were at once.
        sent: how many bytes the clients have sent on all of them.
    """

    port: int = 0
    cut_after: int | None = None
    silent_after: int | None = None
    delay: float = 0
    lets_pass: Callable[[bytes, bool], bool] = lambda piece, is_client: True
    opened: int = 0
    open: int = 0
    most: int = 0
    sent: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut_all(self) -> None:
        """Cut every connection now, without a goodbye."""
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def network_to(port: int) -> AsyncIterator[Network]:
    """Lead to a port of this machine while the context lasts."""
    network = Network()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        network.opened += 1
        network.open += 1
        network.most = max(network.most, network.open)
        network._writers |= {writer, far_writer}
        sent = 0

        async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, is_client: bool) -> None:
            nonlocal sent
            while piece := await source.read(65_536):
                if is_client:
                    sent += len(piece)
                    network.sent += len(piece)
                await asyncio.sleep(network.delay)
                if not network.lets_pass(piece, is_client):
                    break
                if network.silent_after is not None and sent >= network.silent_after:
                    continue
                if network.cut_after is not None and sent >= network.cut_after:
                    break
                target.write(piece)
                await target.drain()

        both = [
            asyncio.ensure_future(pass_on(reader, far_writer, True)),
            asyncio.ensure_future(pass_on(far_reader, writer, False)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            network.open -= 1
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for one in (writer, far_writer):
                network._writers.discard(one)
                one.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    network.port = server.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        server.close()
        network.cut_all()
