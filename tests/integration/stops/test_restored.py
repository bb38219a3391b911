"""A database that was restored from an older backup sends nothing until a person says what becomes of it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from api.app import create_app
from mailroom.access.viewer import SYSTEM
from mailroom.errors import Invalid
from mailroom.executions import lifecycle
from mailroom.executions.reasons import ReasonCode, because
from mailroom.passes.outcome import Outcome
from mailroom.releases import held
from mailroom.releases import service as releases
from mailroom.releases.service import Resumption
from mailroom.schedules import watchdog
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.stops import repository as stops
from mailroom.stops import restored, service, witness
from mailroom.stops.spec import ResumeRequest, StopCause, StopScope, WhatWasDue
from mailroom.storage.database import Database, new_id
from mailroom.storage.stop_tables import LedgerClock, Stop
from mailroom.storage.tables import AuditEvent, Execution, Schedule
from tests.support.prefect import NOBODY_LISTENS

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def _tick(environment: Environment) -> None:
    await restored.tick(environment.database, environment.settings.witness_path, now=environment.now())


async def _standing(database: Database) -> list[Stop]:
    async with database.session() as session:
        return list(await stops.list_standing(session, viewer=SYSTEM))


@dataclass
class Restoration:
    """A schedule whose run was delivered after the backup that is in place now."""

    environment: Environment
    schedule: Schedule
    due: datetime
    backup_at: datetime

    async def run(self, run_id: str) -> Outcome:
        """Make a pass over the due time that was delivered."""
        outcome = await self.environment.run_pass(self.schedule, at=self.due, run_id=run_id)
        assert isinstance(outcome, Outcome)
        return outcome

    async def resume(self, what: WhatWasDue | None, *, dry_run: bool = False) -> Resumption:
        """Resume as a person does."""
        wanted = ResumeRequest(scope=StopScope.ALL, dry_run=dry_run, what_was_due=what)
        return await releases.resume(
            self.environment.database, wanted, viewer=SYSTEM, by="ada", now=self.environment.now()
        )


@pytest.fixture
async def restoration(environment: Environment, tmp_path: Path) -> Restoration:
    """Copy the database, deliver a report, and put the copy in the database's place."""
    due = environment.now().replace(second=0, microsecond=0)
    timing = {"frequency": "daily", "at": f"{due:%H:%M}", "timezone": "UTC"}
    schedule = await environment.create(ago=timedelta(hours=1), timing=timing)
    await _tick(environment)
    backup_at = environment.now()
    database, backup = tmp_path / "mailroom.db", tmp_path / "backup.db"
    with contextlib.closing(sqlite3.connect(database)) as source, contextlib.closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    await _tick(environment)
    await environment.run_pass(schedule, at=due)
    assert environment.mail.taken() == [ADA, BOB]
    await environment.database.close()
    for name in ("mailroom.db-wal", "mailroom.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    backup.replace(database)
    environment.mail.clear()
    return Restoration(environment, schedule, due, backup_at)


@ON_SQLITE
async def test_a_pass_finds_it_and_sends_nothing(restoration: Restoration) -> None:
    environment = restoration.environment
    outcome = await restoration.run(new_id())
    assert (outcome.state, outcome.reason.code) == (ExecutionState.PENDING, ReasonCode.STOPPED)
    assert environment.mail.taken() == []
    (stop,) = await _standing(environment.database)
    assert (stop.scope, stop.cause) == (StopScope.ALL, StopCause.RESTORED)
    assert stop.known_until is not None
    assert stop.known_until <= restoration.backup_at
    async with environment.database.session() as session:
        (event,) = (await session.scalars(select(AuditEvent).where(AuditEvent.entity_type == "stop"))).all()
    assert (event.action, event.detail["cause"]) == ("stopped", "restored")


@ON_SQLITE
async def test_the_api_finds_it_before_it_is_ready(restoration: Restoration) -> None:
    settings = restoration.environment.settings.model_copy(
        update={"prefect_api_url": NOBODY_LISTENS, "sync_every_seconds": 600}
    )
    database = restoration.environment.database
    app = create_app(settings.model_validate({**settings.model_dump(), "api_key": "x" * 40}), database)
    async with app.router.lifespan_context(app):
        assert [stop.cause for stop in await _standing(database)] == [StopCause.RESTORED]
    await restoration.resume("send")
    async with app.router.lifespan_context(app):
        assert await _standing(database) == [], "one restoration is found once"


@ON_SQLITE
@pytest.mark.parametrize("in_ledger", [True, False], ids=["its run has come", "no run has come"])
async def test_what_was_due_is_skipped_where_a_person_says_so(restoration: Restoration, *, in_ledger: bool) -> None:
    environment, run_id = restoration.environment, new_id()
    await restored.look(environment.database, environment.settings.witness_path, now=environment.now())
    if in_ledger:
        await restoration.run(run_id)
    shown = await restoration.resume(None, dry_run=True)
    part = shown.preview.due_before_restoration
    assert (part.executions, part.deliveries, dict(part.by_recipient)) == (1, 2, {ADA: 1, BOB: 1})
    assert shown.preview.would_go.executions == 1
    with pytest.raises(Invalid):
        await restoration.resume(None)
    assert len(await _standing(environment.database)) == 1
    await restoration.resume("skip")
    assert await _standing(environment.database) == []
    row = await environment.execution()
    assert (row.due_at, row.status) == (restoration.due, ExecutionState.SKIPPED)
    assert row.reason_code == ReasonCode.RESTORED_SKIPPED
    async with environment.database.session() as session:
        assert await held.released(session, now=environment.now(), limit=10) == []
    await watchdog.look(environment.database, now=environment.now() + timedelta(minutes=5))
    await environment.run_pass(restoration.schedule, at=restoration.due, run_id=run_id)
    assert environment.mail.taken() == []
    assert (await environment.execution()).status is ExecutionState.SKIPPED


@ON_SQLITE
async def test_what_was_due_is_sent_where_a_person_says_so(restoration: Restoration) -> None:
    environment, run_id = restoration.environment, new_id()
    await restoration.run(run_id)
    await restoration.resume("send")
    async with environment.database.session() as session:
        assert len(await held.released(session, now=environment.now(), limit=10)) == 1
    assert (await restoration.run(run_id)).state is ExecutionState.SUCCESS
    assert environment.mail.taken() == [ADA, BOB]


@ON_SQLITE
async def test_what_became_due_after_the_stop_is_not_skipped(restoration: Restoration) -> None:
    environment, later = restoration.environment, restoration.due + timedelta(days=1)
    await restored.look(environment.database, environment.settings.witness_path, now=environment.now())
    async with environment.database.session() as session:
        await lifecycle.insert_missing(
            session, [lifecycle.NewOccurrence(restoration.schedule.id, later)], now=environment.now()
        )
    await restoration.resume("skip")
    async with environment.database.session() as session:
        states = {row.due_at: row.status for row in await session.scalars(select(Execution))}
    assert states[restoration.due].ended
    assert states[later] is ExecutionState.PENDING


async def test_an_older_clock_is_found_once(environment: Environment) -> None:
    """As after a restoration, on either database: the witness has seen more than the ledger knows."""
    path = environment.settings.witness_path
    await environment.create()
    for _ in range(3):
        await _tick(environment)
    assert await _standing(environment.database) == []
    of_another_machine = path.with_name("another.json")
    shutil.copy(path, of_another_machine)
    async with environment.database.session() as session:
        await session.execute(update(LedgerClock).values(ticks=LedgerClock.ticks - 2))
    assert await restored.look(environment.database, path, now=environment.now()) is not None
    for seen in (path, of_another_machine):
        assert await restored.look(environment.database, seen, now=environment.now()) is None
    await _tick(environment)
    assert len(await _standing(environment.database)) == 1


async def test_another_database_is_not_trusted_unless_it_is_empty(environment: Environment) -> None:
    path = environment.settings.witness_path
    witness.write(path, LedgerClock(id=1, ledger_id=new_id(), ticks=0, ticked_at=environment.now()))
    await _tick(environment)
    assert await _standing(environment.database) == [], "an empty one can send nothing twice"
    await environment.create()
    witness.write(path, LedgerClock(id=1, ledger_id=new_id(), ticks=0, ticked_at=environment.now()))
    await _tick(environment)
    assert [stop.cause for stop in await _standing(environment.database)] == [StopCause.RESTORED]
    await _tick(environment)
    assert len(await _standing(environment.database)) == 1


async def test_skipping_ends_what_had_begun_and_leaves_what_came_later(environment: Environment) -> None:
    """A retry that the backup knew of is cancelled, for it may have been delivered; a request after the stop stays."""
    schedule = await environment.create()
    execution = await environment.request(schedule)
    environment.mail.replies[BOB] = "451 later"
    await environment.run_pass(schedule, execution)
    async with environment.database.session() as session:
        stop = await service.stop_restored(
            session, "The test says so.", known_until=environment.now(), now=environment.now()
        )
    later = await environment.request(schedule, ExecutionKind.RUN_NOW)
    wanted = ResumeRequest(scope=StopScope.ALL, dry_run=False, what_was_due="skip")
    await releases.resume(environment.database, wanted, viewer=SYSTEM, by="ada", now=environment.now())
    async with environment.database.session() as session:
        rows = {row.id: row for row in await session.scalars(select(Execution))}
    assert (rows[execution.id].status, rows[execution.id].reason_code) == (
        ExecutionState.CANCELLED,
        because(ReasonCode.RESTORED_SKIPPED).code,
    )
    assert rows[later.id].status is ExecutionState.PENDING
    assert (await environment.deliveries())[BOB].status is DeliveryState.SUPPRESSED
    assert lifecycle.ALLOWED.allows(ExecutionState.CANCELLED, ExecutionState.RUNNING, lifecycle.By.PERSON)
    assert stop.known_until is not None
