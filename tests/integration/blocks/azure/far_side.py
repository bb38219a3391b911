"""A container of Azurite as the conformance suite sees it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from prefect_mailroom.channels.azure.channel import AzureChannel
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.testing import HardFarSide
from tests.support.azure.azurite import KEY, Azurite
from tests.support.azure.front import Answer, front_of
from tests.support.remote.proxy import network_to


def channel_to(server: Azurite, *, port: int = 0, timeout: float = 20, **settings: Any) -> AzureChannel:
    """Return a channel to a server, or to a port that leads there."""
    given = {**server.settings, "timeout_seconds": timeout, **settings}
    if port:
        given["endpoint"] = server.url_at(port)
    return AzureChannel(**given)


class AzureFarSide(HardFarSide):
    """A server, and the ways in which it or its network is bad."""

    deduplicates = True
    large_bytes = 20_000_000  # Three blocks.

    def __init__(self, server: Azurite, folder: Path, closed_port: int, silent_port: int) -> None:
        self.server = server
        self.folder = folder
        self.closed_port = closed_port
        self.silent_port = silent_port
        self.secrets = (KEY,)
        self.channel = channel_to(server, prefix="daily")
        self._reads = 0

    def destination(self) -> Destination:
        return AzureDestination(connection="test", path="{date:%Y/%m}/{file_name}", if_exists="fail")

    async def received(self) -> list[Mapping[str, bytes]]:
        self._reads += 1
        found = await asyncio.to_thread(self.server.read_back, self.folder / f"read-{self._reads}")
        files = {Path(name).name: content for name, content in found.items()}
        return [files] if files else []

    async def shown(self) -> str:
        return "\n".join(await asyncio.to_thread(self.server.names))

    def unreachable(self) -> Channel:
        return channel_to(self.server, port=self.closed_port)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        self.server.put("daily/2026/02/a.csv", b"of somebody else")
        yield self.channel

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server, port=self.silent_port, timeout=2)

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server, account_key=base64.b64encode(b"another key").decode())

    @contextlib.asynccontextmanager
    async def cut_off(self) -> AsyncIterator[Channel]:
        async with network_to(self.server.port) as network:
            network.cut_after = 200_000
            yield channel_to(self.server, port=network.port, prefix="daily")

    @contextlib.asynccontextmanager
    async def slow(self) -> AsyncIterator[Channel]:
        async with network_to(self.server.port) as network:
            network.delay = 0.01
            yield channel_to(self.server, port=network.port, prefix="daily")

    @contextlib.asynccontextmanager
    async def full(self) -> AsyncIterator[Channel]:
        async with front_of(self.server.port) as front:
            front.answer = lambda request: Answer(507, "InsufficientStorage") if request.method == "PUT" else None
            yield channel_to(self.server, port=front.port)
