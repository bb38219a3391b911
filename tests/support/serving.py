"""Serve an application on a port of this machine, in the event loop of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from tests.support.waiting import eventually


class Quiet(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def on_a_port(app: FastAPI) -> AsyncIterator[int]:
    """Serve an application whose lifespan is somebody else's; give the port."""
    server = Quiet(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    (port,) = {socket.getsockname()[1] for one in server.servers for socket in one.sockets}
    yield port
    server.should_exit = True
    await serving
