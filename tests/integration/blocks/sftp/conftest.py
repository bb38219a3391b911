"""A server of asyncssh in each test's own event loop, with the script that it follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.channels.sftp.channel import SftpChannel
from tests.integration.blocks.sftp.far_side import channel_to
from tests.support.remote.scripted import Script, scripted
from tests.support.remote.servers import SftpServer


@pytest.fixture
def script(request: pytest.FixtureRequest) -> Script:
    """Return the script, which a test may begin with its own settings."""
    return Script(**getattr(request, "param", {}))


@pytest.fixture
async def server(tmp_path: Path, script: Script) -> AsyncIterator[SftpServer]:
    async with scripted(tmp_path / "root", script) as server:
        yield server
        KEPT.close_all()


@pytest.fixture
def channel(server: SftpServer) -> SftpChannel:
    return channel_to(server)
