"""The conformance suite and its hard cases, against three servers: OpenSSH, proftpd and asyncssh."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from prefect_mailroom.testing import ChannelConformance, HardCases
from tests.integration.blocks.sftp.far_side import SftpFarSide, emptied
from tests.support.remote.scripted import Script, scripted
from tests.support.remote.servers import SftpServer, openssh, proftpd


class TestOpenSsh(HardCases, ChannelConformance):
    @pytest.fixture(scope="class")
    def server(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
        with openssh(tmp_path_factory.mktemp("openssh")) as server:
            yield server

    @pytest.fixture
    def far_side(self, server: SftpServer, closed_port: int, silent_port: int) -> Iterator[SftpFarSide]:
        with emptied(server):
            far_side = SftpFarSide(server, closed_port, silent_port)
            far_side.large_bytes = 200_000_000
            yield far_side


class TestProftpd(HardCases, ChannelConformance):
    @pytest.fixture(scope="class")
    def server(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
        with proftpd(tmp_path_factory.mktemp("proftpd")) as server:
            yield server

    @pytest.fixture
    def far_side(self, server: SftpServer, closed_port: int, silent_port: int) -> Iterator[SftpFarSide]:
        with emptied(server):
            yield SftpFarSide(server, closed_port, silent_port)


class TestAsyncssh(HardCases, ChannelConformance):
    """The server whose only rename is the protocol's own, which replaces nothing."""

    @pytest.fixture
    async def far_side(self, tmp_path: Path, closed_port: int, silent_port: int) -> AsyncIterator[SftpFarSide]:
        async with scripted(tmp_path / "root", Script(renames_over=False)) as server:
            with emptied(server):
                yield SftpFarSide(server, closed_port, silent_port)
