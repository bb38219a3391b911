"""An SFTP server as the conformance suite sees it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.channels.sftp.channel import SftpChannel
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.testing import HardFarSide
from tests.support.remote.proxy import Network, network_to
from tests.support.remote.servers import SftpServer, key_pair


def channel_to(server: SftpServer, *, port: int = 0, timeout: float = 20, **settings: Any) -> SftpChannel:
    """Return a channel to a server, or to a port that leads there."""
    given = {**server.login, "host_key": server.host_key, **settings}
    return SftpChannel(host="127.0.0.1", port=port or server.port, timeout_seconds=timeout, **given)


def files_below(root: Path) -> dict[str, bytes]:
    """Return every file with its path, the hidden ones too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


class SftpFarSide(HardFarSide):
    """A server, and the ways in which its network is bad."""

    deduplicates = True

    def __init__(self, server: SftpServer, closed_port: int, silent_port: int) -> None:
        self.server = server
        self.closed_port = closed_port
        self.silent_port = silent_port
        self.secrets = server.secrets
        self.channel = channel_to(server)

    def destination(self) -> Destination:
        return SftpDestination(connection="test", path="{date:%Y/%m}/{file_name}", if_exists="fail")

    async def received(self) -> list[Mapping[str, bytes]]:
        files = {Path(path).name: content for path, content in files_below(self.server.root).items()}
        return [files] if files else []

    async def shown(self) -> str:
        return "\n".join(files_below(self.server.root))

    def unreachable(self) -> Channel:
        return channel_to(self.server, port=self.closed_port)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        folder = self.server.root / "2026" / "02"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_bytes(b"of somebody else")
        yield self.channel

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server, port=self.silent_port, timeout=2)

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        wrong: dict[str, Any] = (
            {"private_key": key_pair()[0]} if "private_key" in self.server.login else {"password": "wrong"}
        )
        yield channel_to(self.server, **wrong)

    @contextlib.asynccontextmanager
    async def wrong_identity(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server, host_key=key_pair()[1])

    @contextlib.asynccontextmanager
    async def cut_off(self) -> AsyncIterator[Channel]:
        async with self._network() as network:
            network.cut_after = 200_000
            yield channel_to(self.server, port=network.port)

    @contextlib.asynccontextmanager
    async def slow(self) -> AsyncIterator[Channel]:
        async with self._network() as network:
            network.delay = 0.01
            yield channel_to(self.server, port=network.port)

    def full(self) -> contextlib.AbstractAsyncContextManager[Channel] | None:
        if self.server.quota is None:
            return None
        return self._full(self.server.quota)

    @contextlib.asynccontextmanager
    async def _full(self, quota: dict[str, Any]) -> AsyncIterator[Channel]:
        yield channel_to(self.server, **quota)
        assert self.server.quota_root is not None
        assert files_below(self.server.quota_root) == {}

    @contextlib.asynccontextmanager
    async def _network(self) -> AsyncIterator[Network]:
        async with network_to(self.server.port) as network:
            yield network
            KEPT.close_all()


@contextlib.contextmanager
def emptied(server: SftpServer) -> Iterator[SftpServer]:
    """Take everything away that a test has left on a server that is shared by a module."""
    try:
        yield server
    finally:
        KEPT.close_all()
        for root in (server.root, server.quota_root or server.root):
            for path in sorted(root.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
