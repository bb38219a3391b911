"""The schema's history runs forward on both databases, for real, and says what the tables say."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from mailroom.storage.database import Database
from mailroom.storage.migrations import upgrade
from mailroom.storage.tables import Table


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Table.metadata))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'm.db'}"
    found: str = request.getfixturevalue("fresh_postgres")
    return found


async def test_it_runs_forward_twice_and_matches_the_tables(url: str) -> None:
    database = Database(url)
    try:
        await upgrade(database)
        await upgrade(database)
        async with database.engine.connect() as connection:
            names = await connection.run_sync(lambda c: set(inspect(c).get_table_names()))
            assert {"export_schedules", "schedule_executions", "reports", "users", "exports"} < names
            assert await connection.run_sync(_differences) == []
    finally:
        await database.close()
