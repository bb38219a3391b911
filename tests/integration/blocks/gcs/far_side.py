"""An emulator of Google Cloud Storage behind its front, as the conformance suite sees it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.gcs.channel import GcsChannel
from prefect_mailroom.channels.gcs.destination import GcsDestination
from prefect_mailroom.testing import HardFarSide
from tests.support.gcs import servers
from tests.support.gcs.front import Front
from tests.support.gcs.identities import SECRETS
from tests.support.remote.proxy import Network, network_to


def channel_to(front: Front, *, port: int = 0, timeout: float = 20, **settings: Any) -> GcsChannel:
    """Return a channel to a front, or to a port that leads there."""
    given: dict[str, Any] = {
        "bucket": servers.BUCKET,
        "identity": "key",
        "service_account_key": front.key_file,
        "endpoint": f"http://127.0.0.1:{port or front.port}",
        "allow_plain": True,
    }
    return GcsChannel(timeout_seconds=timeout, **{**given, **settings})


class GcsFarSide(HardFarSide):
    """A store, and the ways in which its network is bad."""

    deduplicates = True
    secrets = SECRETS

    def __init__(self, front: Front, upstream: int, closed_port: int, silent_port: int) -> None:
        self.front = front
        self.upstream = upstream
        self.closed_port = closed_port
        self.silent_port = silent_port
        self.channel = channel_to(front)

    def destination(self) -> Destination:
        return GcsDestination(connection="test", path="{date:%Y/%m}/{file_name}", if_exists="fail")

    async def received(self) -> list[Mapping[str, bytes]]:
        found = {PurePosixPath(name).name: content for name, content in servers.objects(self.upstream).items()}
        return [found] if found else []

    async def shown(self) -> str:
        return "\n".join(servers.objects(self.upstream))

    def unreachable(self) -> Channel:
        return channel_to(self.front, port=self.closed_port)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        servers.write(self.upstream, "2026/02/a.csv", b"of somebody else")
        yield self.channel

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        yield channel_to(self.front, port=self.silent_port, timeout=2)

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        self.front.identities.fails = (400, {"error": "invalid_grant", "error_description": "canary-answer"})
        # Its timeout makes it another connection, which has no token yet.
        yield channel_to(self.front, timeout=21)
        self.front.identities.fails = None

    @contextlib.asynccontextmanager
    async def cut_off(self) -> AsyncIterator[Channel]:
        async with network_to(self.front.port) as network:
            network.cut_after = 200_000
            yield channel_to(self.front, port=network.port)

    @contextlib.asynccontextmanager
    async def full(self) -> AsyncIterator[Channel]:
        self.front.fails["upload"] = [(403, {"reason": "quotaExceeded"})]
        yield self.channel

    @contextlib.asynccontextmanager
    async def slow(self) -> AsyncIterator[Channel]:
        async with self._network() as network:
            network.delay = 0.01
            yield channel_to(self.front, port=network.port)

    @contextlib.asynccontextmanager
    async def _network(self) -> AsyncIterator[Network]:
        async with network_to(self.front.port) as network:
            yield network
