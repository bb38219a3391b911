"""Serve an application on a port of this machine, in the event loop of whoever asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI


class Quiet(uvicorn.Server):
    """A server that leaves the signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def on_a_port(app: FastAPI) -> AsyncIterator[int]:
    """Serve an application whose lifespan is somebody else's; give the port."""
    server = Quiet(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    (port,) = {socket.getsockname()[1] for one in server.servers for socket in one.sockets}
    try:
        yield port
    finally:
        server.should_exit = True
        await serving
