"""A server of S3 as the conformance suite sees it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.testing import HardFarSide
from tests.support.remote.proxy import network_to
from tests.support.s3.front import error, front_of
from tests.support.s3.servers import BUCKET, S3Server


def channel_to(server: S3Server, *, port: int = 0, timeout: float = 20, **settings: Any) -> S3Channel:
    """Return a channel to a server, or to a port that leads there."""
    given = {**server.settings, "timeout_seconds": timeout, **settings}
    if port:
        given["endpoint"] = f"{'https' if server.pem else 'http'}://127.0.0.1:{port}"
    return S3Channel(**given)


class S3FarSide(HardFarSide):
    """A server, and the ways in which it or its network is bad."""

    deduplicates = True

    def __init__(self, server: S3Server, folder: Path, closed_port: int, silent_port: int) -> None:
        self.server = server
        self.folder = folder
        self.closed_port = closed_port
        self.silent_port = silent_port
        self.secrets = (server.secret,)
        self.channel = channel_to(server, prefix="daily")
        self._reads = 0

    def destination(self) -> Destination:
        return S3Destination(connection="test", path="{date:%Y/%m}/{file_name}", if_exists="fail")

    async def received(self) -> list[Mapping[str, bytes]]:
        if not await asyncio.to_thread(self.server.keys):
            return []
        self._reads += 1
        found = await asyncio.to_thread(self.server.read_back, self.folder / f"read-{self._reads}")
        return [{Path(key).name: content for key, content in found.items()}]

    async def shown(self) -> str:
        return "\n".join(await asyncio.to_thread(self.server.keys))

    def unreachable(self) -> Channel:
        return channel_to(self.server, port=self.closed_port)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        self.server.client().put_object(Bucket=BUCKET, Key="daily/2026/02/a.csv", Body=b"of somebody else")
        yield self.channel

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server, port=self.silent_port, timeout=2)

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server, secret_access_key="wrong")

    def wrong_identity(self) -> contextlib.AbstractAsyncContextManager[Channel] | None:
        return self._untrusted() if self.server.pem else None

    @contextlib.asynccontextmanager
    async def _untrusted(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server, ca_certificates="")

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

    def full(self) -> contextlib.AbstractAsyncContextManager[Channel] | None:
        return None if self.server.pem else self._full()

    @contextlib.asynccontextmanager
    async def _full(self) -> AsyncIterator[Channel]:
        async with front_of(self.server.port) as front:
            front.answer = lambda request: error("QuotaExceeded", 403) if request.method == "PUT" else None
            yield channel_to(self.server, port=front.port)
