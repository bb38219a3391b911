"""The suite of every channel and its hard cases, against vsftpd, proftpd and pyftpdlib."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.ftp.channel import FtpChannel
from prefect_mailroom.channels.ftp.destination import FtpDestination
from prefect_mailroom.channels.ftp.plain import VARIABLE
from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.testing import ChannelConformance, HardCases, HardFarSide
from tests.support.ftp.daemons import PASSWORD, FtpServer
from tests.support.ftp.scripted import ScriptedServer
from tests.support.waiting import eventually

_numbers = itertools.count()


class FtpFarSide(HardFarSide):
    """A folder of its own on a server."""

    secrets = (PASSWORD,)
    deduplicates = True

    def __init__(self, server: Any, channel_to: Any, closed_port: int, silent_port: int) -> None:
        self.server = server
        self.name = f"test-{next(_numbers)}"
        self.root = server.root / self.name
        self.root.mkdir()
        self.make = channel_to
        self.closed_port, self.silent_port = closed_port, silent_port
        self.channel = self._channel()

    def _channel(self, server: Any = None, **settings: Any) -> FtpChannel:
        made: FtpChannel = self.make(server or self.server, **{"folder": self.name, **settings})
        return made

    def destination(self) -> Destination:
        return FtpDestination(connection="test", path="{date:%Y/%m}/{file_name}", if_exists="fail")

    async def received(self) -> list[Mapping[str, bytes]]:
        files = {path.name: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        return [files] if files else []

    async def shown(self) -> str:
        return "\n".join(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def unreachable(self) -> Channel:
        return self._channel(port=self.closed_port)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        folder = self.root / "2026" / "02"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_bytes(b"of somebody else")
        yield self.channel

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        yield self._channel(port=self.silent_port, timeout_seconds=2)

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        yield self._channel(password="wrong")

    @contextlib.asynccontextmanager
    async def wrong_identity(self) -> AsyncIterator[Channel]:
        yield self._channel(ca_certificates="")

    async def reached(self) -> list[str] | None:
        return None


class DaemonFarSide(FtpFarSide):
    """A server in C. A second one of its kind is slow, and writes to the same folder."""

    def __init__(self, server: FtpServer, slow_server: FtpServer, *rest: Any) -> None:
        self.slow_server = slow_server
        super().__init__(server, *rest)
        link = slow_server.root / self.name
        link.symlink_to(self.root)

    @contextlib.asynccontextmanager
    async def slow(self) -> AsyncIterator[Channel]:
        yield self._channel(self.slow_server)

    @contextlib.asynccontextmanager
    async def cut_off(self) -> AsyncIterator[Channel]:
        async def cut() -> None:
            await eventually(lambda: [part for part in self.root.rglob("*.part") if part.stat().st_size], pause=0.02)
            assert self.slow_server.end_sessions()

        cutting = asyncio.create_task(cut())
        yield self._channel(self.slow_server)
        await cutting

    @contextlib.asynccontextmanager
    async def full(self) -> AsyncIterator[Channel]:
        KEPT.close_all()
        with self.server.with_files_up_to(100_000):
            yield self._channel()
        KEPT.close_all()


class TestVsftpd(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(
        self, vsftpd: FtpServer, slow_vsftpd: FtpServer, channel_to: Any, closed_port: int, silent_port: int
    ) -> FtpFarSide:
        return DaemonFarSide(vsftpd, slow_vsftpd, channel_to, closed_port, silent_port)


class TestProftpd(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(
        self, proftpd: FtpServer, slow_proftpd: FtpServer, channel_to: Any, closed_port: int, silent_port: int
    ) -> FtpFarSide:
        return DaemonFarSide(proftpd, slow_proftpd, channel_to, closed_port, silent_port)

    # Run by root, proftpd ends the whole session at the limit instead of answering, and its part stays until the next
    # attempt. The suite runs as an ordinary account where everything is tested.
    @pytest.mark.skipif(os.geteuid() == 0, reason="Run by root, proftpd does not answer that there is no room.")
    async def test_full(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """The same; see why not as root."""
        await super().test_full(far_side, tmp_path)


class PyftpdFarSide(FtpFarSide):
    """pyftpdlib, which does as it is told."""

    @contextlib.asynccontextmanager
    async def slow(self) -> AsyncIterator[Channel]:
        def later(session: Any, do: Any) -> None:
            time.sleep(0.1)
            do()

        self.server.on = dict.fromkeys(("STOR", "RNFR", "RNTO"), later)
        yield self.channel
        self.server.well()

    @contextlib.asynccontextmanager
    async def cut_off(self) -> AsyncIterator[Channel]:
        self.server.cut_at = 100_000
        yield self.channel
        self.server.well()

    @contextlib.asynccontextmanager
    async def full(self) -> AsyncIterator[Channel]:
        self.server.room = 100_000
        yield self.channel
        self.server.well()


class TestPyftpdlib(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(self, pyftpd: ScriptedServer, channel_to: Any, closed_port: int, silent_port: int) -> FtpFarSide:
        return PyftpdFarSide(pyftpd, channel_to, closed_port, silent_port)


class TestPlainPyftpdlib(ChannelConformance):
    @pytest.fixture
    def far_side(
        self,
        plain_pyftpd: ScriptedServer,
        channel_to: Any,
        closed_port: int,
        silent_port: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> FtpFarSide:
        monkeypatch.setenv(VARIABLE, "127.0.0.1")
        return PyftpdFarSide(plain_pyftpd, channel_to, closed_port, silent_port)
