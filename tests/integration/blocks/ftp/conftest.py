"""Run FTP servers once for all tests of this folder; each test has a folder of its own below their root."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.ftp.channel import FtpChannel
from prefect_mailroom.channels.ftp.server import Security
from prefect_mailroom.channels.remote.sessions import KEPT
from tests.support.ftp import daemons, scripted
from tests.support.ftp.daemons import FtpServer
from tests.support.ftp.scripted import ScriptedServer


@pytest.fixture(autouse=True)
def _no_session_is_kept() -> Iterator[None]:
    yield
    KEPT.close_all()


@pytest.fixture(scope="package")
def vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    with daemons.vsftpd(tmp_path_factory.mktemp("vsftpd")) as server:
        yield server


@pytest.fixture(scope="package")
def slow_vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    """Run a server that takes 20 kB a second."""
    with daemons.vsftpd(tmp_path_factory.mktemp("slow"), rate=20_000) as server:
        yield server


@pytest.fixture(scope="package")
def proftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    with daemons.proftpd(tmp_path_factory.mktemp("proftpd")) as server:
        yield server


@pytest.fixture(scope="package")
def slow_proftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    """Run a server that takes 20 kB a second."""
    with daemons.proftpd(tmp_path_factory.mktemp("slow"), rate=20) as server:
        yield server


@pytest.fixture
def pyftpd(tmp_path: Path) -> Iterator[ScriptedServer]:
    with scripted.scripted(tmp_path / "pyftpd") as server:
        yield server


@pytest.fixture
def plain_pyftpd(tmp_path: Path) -> Iterator[ScriptedServer]:
    with scripted.scripted(tmp_path / "pyftpd", encrypted=False) as server:
        yield server


ChannelTo = Callable[..., FtpChannel]


@pytest.fixture
def channel_to() -> ChannelTo:
    """Make a channel to one of the servers; `settings` replace what would work."""

    def make(server: FtpServer | ScriptedServer, **settings: Any) -> FtpChannel:
        if isinstance(server, FtpServer):
            login = {"username": server.username, "password": daemons.PASSWORD, "security": server.security}
        else:
            security = Security.EXPLICIT if server.ca else Security.NONE
            login = {"username": scripted.USERNAME, "password": scripted.PASSWORD, "security": security}
        values = {
            "host": "127.0.0.1",
            "port": server.port,
            "ca_certificates": server.ca,
            "timeout_seconds": 20,
            **login,
        }
        return FtpChannel(**{**values, **settings})

    return make
