"""One address before several servers: `python -m bench.scale.stack.front ADDRESS PATH BACKEND…`.

It stands in for an operator's load balancer, such as HAProxy: a connection goes to the next backend in turn that
answers `GET PATH` with 2xx, and to another one where it cannot be connected to. It never repeats a request. When a
backend is found to be down, the connections to it are ended, as by HAProxy's `on-marked-down shutdown-sessions`:
otherwise those who wait for a host that is cut off would wait until their own patience ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

_CHECK_EVERY, _CHECK_SECONDS, _CONNECT_SECONDS = 1.0, 5.0, 4.0
_HANDSHAKE_SECONDS = 1.5
_DOWN_AFTER = 3
"""So many connections in a row must get no answer. The kernel makes them, so a busy server is told from a lost host."""
_PIECE = 65_536


@dataclass
class Front:
    """Passes connections on.

    Attributes:
        path: what a backend is asked for, to see whether it works.
        healthy: the backends that answered last.
    """

    path: str
    backends: Sequence[str]
    healthy: set[str] = field(default_factory=set)
    _connections: dict[str, set[asyncio.StreamWriter]] = field(default_factory=dict)
    _turn: int = 0

    async def check(self, backend: str) -> None:
        """Keep what is known of a backend in step, for good."""
        failed = 0
        while True:
            try:
                reader, writer = await _connect(backend, _HANDSHAKE_SECONDS)
            except (OSError, TimeoutError) as error:
                # A server that refuses may still answer what it was asked before, as while it ends.
                failed = 0 if isinstance(error, ConnectionRefusedError) else failed + 1
                self.healthy.discard(backend)
                if failed >= _DOWN_AFTER:
                    for connection in self._connections.get(backend, ()):
                        connection.transport.abort()
            else:
                failed = 0
                good = await self._answers(backend, reader, writer)
                (self.healthy.add if good else self.healthy.discard)(backend)
            await asyncio.sleep(_CHECK_EVERY)

    async def _answers(self, backend: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                request = f"GET {self.path} HTTP/1.1\r\nHost: {backend}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                line = await reader.readline()
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return line.split(b" ")[1:2] == [b"200"]

    def order(self) -> list[str]:
        """Return the backends in the order in which a new connection tries them."""
        self._turn += 1
        turned = [self.backends[(self._turn + number) % len(self.backends)] for number in range(len(self.backends))]
        # Those that did not answer come last: where none did, the check itself may be late on a busy machine.
        return sorted(turned, key=lambda backend: backend not in self.healthy)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until either side ends it."""
        for backend in self.order():
            try:
                back_reader, back_writer = await _connect(backend, _CONNECT_SECONDS)
            except (OSError, TimeoutError):
                self.healthy.discard(backend)
                continue
            both = [
                asyncio.ensure_future(_pump(reader, back_writer)),
                asyncio.ensure_future(_pump(back_reader, writer)),
            ]
            connections = self._connections.setdefault(backend, set())
            connections.add(back_writer)
            # Where one direction has ended, the other has nothing more to say either: HTTP, and websockets.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            connections.discard(back_writer)
            for one in both:
                one.cancel()
            back_writer.close()
            break
        writer.close()


async def _connect(address: str, seconds: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(seconds):
        return await asyncio.open_connection(*_parts(address))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # Either side may vanish: that is what this is for.
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


async def run(address: str, path: str, backends: Sequence[str]) -> None:
    """Serve for good."""
    front = Front(path, backends)
    server = await asyncio.start_server(front.serve, *_parts(address))
    async with server, asyncio.TaskGroup() as group:
        for backend in backends:
            group.create_task(front.check(backend))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
