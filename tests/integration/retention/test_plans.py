"""What is removed is found by an index, batch by batch: nothing that is old is read and sorted again for each one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from bench.retention import history
from mailroom.retention import service
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.outboxes.product_events import ProductEvent
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Artifact, Notification, User

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
OLD = NOW - timedelta(days=500)
MANY, BATCH = 2000, 40
"""So many rows that Postgres, which plans by what is in its tables, prefers an index to reading a table for a batch."""
INDEX_OF = {
    "attempts": "ix_deliveries_created_at_id",
    "executions": "ix_schedule_executions_due_at_id",
    "file names": "ix_exports_expires_at",
    "notifications": "ix_notifications_at_id",
    "events for the product": "ix_product_events_created_at_id",
    "incidents": "ix_incidents_resolved_at",
}
Asked = list[tuple[str, Any]]


@pytest.fixture(params=["sqlite", "postgres"])
async def old(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a database of each kind in which there is much of everything that retention removes."""
    database = Database(migrated_url(request.param))
    schedules = await history.schedules(database, 4, now=NOW)
    await history.executions(database, schedules, MANY // 4, since=OLD)
    moments = [OLD + number * timedelta(minutes=1) for number in range(MANY)]
    file = {"filename": "a.pdf", "format": "pdf", "media_type": "application/pdf", "size": 1, "created_at": OLD}
    sent = {"type": "report.delivered", "data": {}, "state": "sent", "retry_until": OLD}
    incident = {"kind": "schedule_failing", "severity": "error", "level": "owner", "last_seen_at": OLD}
    async with database.session() as session:
        owner = (await session.scalars(select(User.id))).one()
        told = {"user_id": owner, "severity": "error", "title": "It failed", "body": "It did."}
        rows: dict[Any, list[dict[str, Any]]] = {
            Artifact: [{"sha256": "0" * 64, "expires_at": at, **file} for at in moments],
            Notification: [{"at": at, **told} for at in moments],
            ProductEvent: [{"created_at": at, **sent} for at in moments],
            Incident: [{"subject": str(at), "opened_at": at, "resolved_at": at, **incident} for at in moments],
        }
        for table, of_it in rows.items():
            await session.execute(insert(table), of_it)
    if request.param == "postgres":
        async with database.session() as session:
            await session.execute(text("ANALYZE"))
    yield database
    await database.close()


@contextmanager
def _asked(database: Database) -> Iterator[Asked]:
    asked: Asked = []

    def note_it(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note_it)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note_it)


async def test_every_batch_is_found_by_an_index_and_nothing_is_sorted(old: Database) -> None:
    steps = service.steps(Settings(), NOW)
    assert set(steps) == set(INDEX_OF)
    for name, remove in steps.items():
        async with old.session() as session:
            with _asked(old) as asked:
                assert await remove(session, rows=BATCH), name
            plans = [await _plan(session, *one) for one in asked]
        found = [plan for plan in plans if INDEX_OF[name] in plan]
        assert found, f"{name}: {plans}"
        for plan in plans:
            # "Sort" is Postgres, "TEMP B-TREE" SQLite.
            assert not any(word in plan for word in ("Sort", "TEMP B-TREE", "SCAN ")), f"{name}: {plan}"


async def _plan(session: Any, statement: str, parameters: Any) -> str:
    connection = await session.connection()
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return str((await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all())
