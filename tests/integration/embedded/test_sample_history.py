"""Sample data: it looks like a month of work, counts nowhere, and goes without a trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from embedded.bootstrap import CATALOG, sync_catalog
from embedded.sample_history.plan import DAYS, samples
from embedded.sample_history.remove import remove
from embedded.sample_history.write import write
from mailroom.access.service import ensure_default_user
from mailroom.access.viewer import SYSTEM
from mailroom.context import Context
from mailroom.ledger.figures import figures
from mailroom.settings import Settings
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.tables import Artifact, Attempt, Connection, Delivery, Execution, Schedule

NOW = datetime.now(UTC)


@pytest.fixture
async def filled(database: Database, tmp_path: Path) -> tuple[Database, Settings]:
    """A database with the catalog, the connections of an embedded set-up, and the samples."""
    settings = Settings(data_dir=tmp_path, api_key="k" * 40)
    await sync_catalog(database, CATALOG, lambda _line: None)
    async with database.session() as session:
        owner = await ensure_default_user(session, NOW, settings)
        for name, kind in (("local-mail", "email"), ("local-folder", "folder")):
            row = Connection(name=name, kind=kind, block_type_slug=f"mailroom-{kind}", created_at=NOW, updated_at=NOW)
            row.last_check_at, row.last_check_ok = NOW, True
            session.add(row)
        await session.flush()
        made = await write(session, settings, {"creator": owner, "admin": owner}, now=NOW)
        assert len(made) == len(samples())
    return database, settings


async def count(session: AsyncSession, table: type[Execution | Delivery | Attempt]) -> int:
    return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_samples_look_like_a_month_of_work(filled: tuple[Database, Settings]) -> None:
    database, _ = filled
    async with database.session() as session:
        states = set(await session.scalars(select(Execution.status)))
        assert states == {
            *(ExecutionState.SUCCESS, ExecutionState.PARTIAL, ExecutionState.FAILED, ExecutionState.MISSED),
            ExecutionState.SKIPPED,
        }
        assert await count(session, Execution) > 100
        assert await count(session, Attempt) >= await count(session, Delivery) > 200
        first = (await session.execute(select(func.min(Execution.due_at)))).scalar_one()
        assert NOW - timedelta(days=DAYS) < first
        rows = (await session.scalars(select(Schedule))).all()
        assert {row.state for row in rows} == {ScheduleState.ACTIVE, ScheduleState.PAUSED, ScheduleState.SUSPENDED}
        # Nothing is due that was due before they were made.
        assert all(row.next_run is None or row.next_run > NOW for row in rows)


async def test_samples_are_in_no_account(filled: tuple[Database, Settings]) -> None:
    database, _ = filled
    async with database.session() as session:
        found = await figures(session, viewer=SYSTEM, since=NOW - timedelta(days=30), until=NOW + timedelta(days=1))
    assert (found.accounted, found.unaccounted) == (0, 0)


async def test_they_are_added_once_and_go_without_a_trace(filled: tuple[Database, Settings]) -> None:
    database, settings = filled
    async with database.session() as session:
        owner = await ensure_default_user(session, NOW, settings)
        assert await write(session, settings, {"creator": owner, "admin": owner}, now=NOW) == []
    async with database.session() as session:
        assert await remove(session, Context(owner, NOW, settings)) == len(samples())
        assert [await count(session, table) for table in (Execution, Delivery, Attempt)] == [0, 0, 0]
        assert set(await session.scalars(select(Schedule.state))) == {ScheduleState.DELETED}
    async with database.session() as session:
        assert await remove(session, Context(owner, NOW, settings)) == 0


async def test_their_files_are_kept_as_long_as_others(filled: tuple[Database, Settings]) -> None:
    database, settings = filled
    async with database.session() as session:
        rows = (await session.scalars(select(Artifact))).all()
    assert {row.expires_at - row.created_at for row in rows} == {timedelta(days=settings.artifact_days)}
