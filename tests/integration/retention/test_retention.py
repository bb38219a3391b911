"""What is past its time goes with everything below it, what is needed stays, and one process at a time removes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bench.retention import history
from mailroom.retention import progress, service
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.outboxes.product_events import ProductEvent
from mailroom.storage.model.upkeep.incidents import Alert, Incident, IncidentSchedule
from mailroom.storage.tables import Artifact, Attempt, Delivery, Execution, Notification, Schedule

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = Settings.model_validate({"execution_days": 400, "attempt_days": 90, "event_days": 180})


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated database of each kind."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


async def _count(database: Database, table: Any) -> int:
    async with database.session() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def _counts(database: Database) -> tuple[int, int, int]:
    found = [await _count(database, table) for table in (Execution, Delivery, Attempt)]
    return found[0], found[1], found[2]


async def _remove(database: Database) -> dict[str, int]:
    return dict(await service.remove_old(database, SETTINGS, now=NOW))


async def test_each_kind_has_its_own_period(database: Database) -> None:
    schedules = await history.schedules(database, 3, now=NOW)
    await history.executions(database, schedules, 30, since=NOW - 401 * DAY)
    await history.executions(database, schedules, 20, since=NOW - 91 * DAY)
    await history.executions(database, schedules, 10, since=NOW - 89 * DAY)
    assert await _counts(database) == (180, 180, 180)
    assert await _remove(database) == {"attempts": 150, "executions": 180}
    assert await _counts(database) == (90, 90, 30)
    assert await _remove(database) == {}


async def test_what_is_shown_or_not_over_stays(database: Database) -> None:
    (schedule,) = await history.schedules(database, 1, now=NOW)
    await history.executions(database, [schedule], 4, since=NOW - 500 * DAY)
    async with database.session() as session:
        ids = (await session.scalars(select(Execution.id).order_by(Execution.due_at))).all()
        await session.execute(update(Schedule).values(last_execution_id=ids[3]))
        await session.execute(update(Execution).where(Execution.id == ids[0]).values(status=ExecutionState.RETRYING))
        # A due time of long ago that was filled in yesterday.
        await session.execute(update(Execution).where(Execution.id == ids[1]).values(created_at=NOW - DAY))
    await _remove(database)
    async with database.session() as session:
        left = (await session.scalars(select(Execution.id).order_by(Execution.due_at))).all()
    assert list(left) == [ids[0], ids[1], ids[3]]


async def test_more_deliveries_than_one_transaction_removes(database: Database) -> None:
    (schedule,) = await history.schedules(database, 1, now=NOW)
    await history.executions(database, [schedule], 1, since=NOW - 500 * DAY)
    async with database.session() as session:
        one = (await session.scalars(select(Delivery))).one()
        values = {column.key: getattr(one, column.key) for column in Delivery.__table__.columns}
        for number in range(450):
            key = new_id()
            session.add(Delivery(**{**values, "id": key, "key": key, "recipient": f"{number}@example.com"}))
    await _remove(database)
    assert await _counts(database) == (0, 0, 0)


async def test_the_names_of_files_go_with_the_last_execution_that_may_name_them(database: Database) -> None:
    (schedule,) = await history.schedules(database, 1, now=NOW)
    await history.executions(database, [schedule], 1, since=NOW - 300 * DAY)
    file = {"filename": "a.pdf", "format": "pdf", "media_type": "application/pdf", "size": 1, "created_at": NOW}
    async with database.session() as session:
        for name, days in (("gone", 401), ("young", 399), ("named", 401)):
            session.add(Artifact(id=name, sha256=name, expires_at=NOW - days * DAY, **file))
        await session.flush()
        await session.execute(update(Execution).values(export_id="named"))
    assert (await _remove(database))["file names"] == 1
    async with database.session() as session:
        assert set(await session.scalars(select(Artifact.id))) == {"young", "named"}


async def test_notifications_and_incidents(database: Database) -> None:
    (schedule,) = await history.schedules(database, 1, now=NOW)
    async with database.session() as session:
        owner = (await session.scalars(select(Schedule.user_id))).one()
        for number, days in enumerate((181, 179)):
            at = NOW - days * DAY
            session.add(Notification(user_id=owner, at=at, severity="error", title="It failed", body="It did."))
            base = {"kind": "schedule_failing", "severity": "error", "opened_at": at, "last_seen_at": at}
            for name, resolved in (("over", at), ("open", None)):
                one = Incident(
                    id=f"{name}{number}", subject=f"{name}{number}", level="owner", resolved_at=resolved, **base
                )
                session.add(one)
                await session.flush()
                session.add(IncidentSchedule(incident_id=one.id, schedule_id=schedule))
                told = {"stage": "opened", "level": "owner", "route": "mail", "target": "a@example.com"}
                session.add(Alert(incident_id=one.id, state="sent", created_at=at, **told))
    assert await _remove(database) == {"notifications": 1, "incidents": 1}
    async with database.session() as session:
        assert set(await session.scalars(select(Incident.id))) == {"over1", "open0", "open1"}
    assert (await _count(database, Alert), await _count(database, IncidentSchedule)) == (3, 3)


async def test_events_for_the_product_that_wait_stay(database: Database) -> None:
    async with database.session() as session:
        for name, state, days in (("sent", "sent", 31), ("waits", "pending", 31), ("young", "sent", 29)):
            at = NOW - days * DAY
            event = ProductEvent(id=name, type="report.delivered", data={}, state=state, created_at=at, retry_until=at)
            session.add(event)
    assert await _remove(database) == {"events for the product": 1}
    async with database.session() as session:
        assert set(await session.scalars(select(ProductEvent.id))) == {"waits", "young"}


async def test_one_process_removes_at_a_time_and_a_dead_one_is_followed(database: Database) -> None:
    schedules = await history.schedules(database, 1, now=NOW)
    await history.executions(database, schedules, 5, since=NOW - 500 * DAY)
    until = NOW + timedelta(minutes=10)
    async with database.session() as session:
        assert await progress.take_lease(session, now=NOW, until=until)
        assert not await progress.take_lease(session, now=NOW + timedelta(minutes=1), until=until)
    assert await _remove(database) == {}
    later = await service.remove_old(database, SETTINGS, now=until)
    assert later["executions"] == 10
