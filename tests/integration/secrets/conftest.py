"""A Prefect server that can be started again with another key, and the environment that works with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from embedded import prefect_settings
from embedded.ports import free_port
from mailroom.settings import Settings
from tests.integration.passes.conftest import environment, mail_server  # noqa: F401  # found by their names
from tests.support.prefect import PrefectServer


class KeyedServer:
    """An embedded Prefect server on one folder and port, whose key changes from start to start."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port("127.0.0.1"), folder
        self.key = Fernet.generate_key().decode()
        self.database = folder / "prefect.db"
        self._server = self._prepare()

    def _prepare(self) -> PrefectServer:
        settings = Settings(data_dir=self.folder.parent, prefect_port=self.port)
        variables = prefect_settings.base_environment() | prefect_settings.server_environment(settings, self.key)
        command = [sys.executable, "-m", "mailroom.quick_start", "embedded.prefect_server", "server", "start"]
        return PrefectServer(self.folder, command=command, environment=variables, port=self.port)

    @property
    def url(self) -> str:
        """Return the URL of its API."""
        return self._server.url

    def start(self) -> None:
        """Start it with its key."""
        self._server = self._prepare()
        self._server.start()

    def stop(self) -> None:
        """End it."""
        self._server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KeyedServer]:
    """Start one."""
    folder = tmp_path / "data" / "prefect"
    folder.mkdir(parents=True)
    made = KeyedServer(folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def prefect_server(server: KeyedServer) -> str:
    """Let the environment work with this server, and not with the one of all tests."""
    return server.url
