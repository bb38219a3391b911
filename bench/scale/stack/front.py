"""One address before several servers: `python -m bench.scale.stack.front PORT PATH BACKEND_PORT…`.

It stands in for an operator's load balancer, such as HAProxy: a connection goes to the next backend in turn that
answers `GET PATH` with 2xx, and to another one where the connection is refused. It never repeats a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.scale.stack.environment import HOST

_CHECK_EVERY, _CHECK_SECONDS = 1.0, 5.0
_PIECE = 65_536


@dataclass
class Front:
    """Passes connections on.

    Attributes:
        path: what a backend is asked for, to see whether it works.
        healthy: the backends that answered last.
    """

    path: str
    backends: Sequence[int]
    healthy: set[int] = field(default_factory=set)
    _turn: int = 0

    async def check(self, backend: int) -> None:
        """Keep what is known of a backend in step, for good."""
        while True:
            if await self._answers(backend):
                self.healthy.add(backend)
            else:
                self.healthy.discard(backend)
            await asyncio.sleep(_CHECK_EVERY)

    async def _answers(self, backend: int) -> bool:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                reader, writer = await asyncio.open_connection(HOST, backend)
                try:
                    request = f"GET {self.path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
                    writer.write(request.encode())
                    line = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        return line.split(b" ")[1:2] == [b"200"]

    def order(self) -> list[int]:
        """Return the backends in the order in which a new connection tries them."""
        self._turn += 1
        turned = [self.backends[(self._turn + number) % len(self.backends)] for number in range(len(self.backends))]
        # Those that did not answer come last: where none did, the check itself may be late on a busy machine.
        return sorted(turned, key=lambda backend: backend not in self.healthy)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until either side ends it."""
        for backend in self.order():
            try:
                back_reader, back_writer = await asyncio.open_connection(HOST, backend)
            except OSError:
                self.healthy.discard(backend)
                continue
            both = [
                asyncio.ensure_future(_pump(reader, back_writer)),
                asyncio.ensure_future(_pump(back_reader, writer)),
            ]
            # Where one direction has ended, the other has nothing more to say either: HTTP, and websockets.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for one in both:
                one.cancel()
            back_writer.close()
            break
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # Either side may vanish: that is what this is for.
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()


async def run(port: int, path: str, backends: Sequence[int]) -> None:
    """Serve for good."""
    front = Front(path, backends)
    server = await asyncio.start_server(front.serve, HOST, port)
    async with server, asyncio.TaskGroup() as group:
        for backend in backends:
            group.create_task(front.check(backend))


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), sys.argv[2], [int(word) for word in sys.argv[3:]]))
