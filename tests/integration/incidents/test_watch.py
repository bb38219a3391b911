"""Looks of several processes, and what is told of what they find."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.context import Context
from mailroom.incidents import service
from mailroom.incidents.finders import failing
from mailroom.incidents.finders.registry import Finder
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage, Trouble
from mailroom.incidents.to_tell import due_to_tell
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.storage.model.upkeep.incidents import Incident, IncidentSchedule
from mailroom.storage.tables import AuditEvent, User
from tests.integration.conftest import NOW
from tests.integration.incidents.conftest import HOLD, HOUR, MINUTE, ON_ONE, SECOND, Ledger
from tests.support.statements import recorded

E, K = ExecutionState, IncidentKind
LOOP = frozenset({K.LOOP_DEAD})
FAILING = Finder("failing schedules", failing.KINDS, failing.find)
TEAM_AFTER = timedelta(minutes=Settings().incidents.team_after_minutes)


def finder(*troubles: Trouble, kinds: frozenset[IncidentKind] = LOOP) -> Finder:
    """Return a finder that finds this."""

    async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
        return troubles

    return Finder("test", kinds, find)


def dead(name: str = "watchdog", severity: Severity = Severity.ERROR, **values: Any) -> Trouble:
    return Trouble(K.LOOP_DEAD, name, severity, values)


async def context(book: Ledger, at: datetime) -> Context:
    async with book.database.session() as session:
        owner = await session.get(User, book.owner_id)
        assert owner is not None
        return Context(user=owner, now=at, settings=Settings())


async def test_500_schedules_that_fail_through_one_connection_are_told_once(book: Ledger) -> None:
    ids = await book.add(500)
    await book.ran(ids, E.FAILED, NOW)
    assert (await book.look(NOW + MINUTE)).opened == 501
    (row,) = await book.incidents()
    assert row.kind == K.CONNECTION_FAILING
    assert await book.tell(NOW + MINUTE) == [], "not before the hold is over"
    told = await book.tell(NOW + MINUTE + HOLD)
    assert [(one.stage, one.level, one.owner_ids) for one in told] == [
        (Stage.OPENED, Level.OWNER, (book.owner_id,)),
        (Stage.OPENED, Level.OPERATOR, (book.owner_id,)),
    ]
    assert len(told[0].schedule_ids) == 500
    async with book.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(IncidentSchedule)) == 1000


async def test_two_processes_that_look_at_once_open_one_incident(book: Ledger) -> None:
    ids = await book.add(3)
    await book.ran(ids, E.FAILED, NOW)
    async with asyncio.TaskGroup() as group:
        looks = [group.create_task(book.look(NOW + MINUTE)) for _ in range(2)]
    assert sorted(look.result().opened for look in looks) == [0, 4]
    async with book.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(Incident)) == 4
    async with asyncio.TaskGroup() as group:
        tells = [group.create_task(book.tell(NOW + HOUR)) for _ in range(2)]
    assert sorted(len(tell.result()) for tell in tells) == [0, 2]


@ON_ONE
async def test_a_finder_that_fails_stops_nobody_and_ends_nothing(
    book: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
        raise OSError("The disk cannot be read.")

    ids = await book.add()
    await book.ran(ids, E.FAILED, NOW)
    await book.look(NOW, (finder(dead()),))
    found = await book.look(NOW + MINUTE, (Finder("disks", LOOP, broken), FAILING))
    assert found.failed == ("disks",)
    assert await book.kinds() == [K.LOOP_DEAD, K.SCHEDULE_FAILING]
    assert "disks" in caplog.text


@ON_ONE
async def test_a_finder_whose_values_cannot_be_stored_stops_nobody(book: Ledger) -> None:
    found = await book.look(NOW, (finder(dead(at=NOW)), finder(dead("cleaner"), kinds=frozenset({K.DISK_LOW}))))
    assert (found.failed, found.opened) == (("test",), 1)


@ON_ONE
async def test_what_is_over_before_it_was_told_is_not_told(book: Ledger) -> None:
    await book.look(NOW, (finder(dead()),))
    await book.look(NOW + SECOND, (finder(),))
    assert await book.tell(NOW + HOUR) == []


async def test_each_thing_is_told_once(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.FAILED, NOW)
    await book.look(NOW)
    (opened,) = await book.tell(NOW + HOLD)
    assert (opened.stage, opened.level, opened.owner_ids) == (Stage.OPENED, Level.OWNER, (book.owner_id,))
    assert await book.tell(NOW + HOUR) == []
    await book.look(NOW + HOLD + TEAM_AFTER)
    (escalated,) = await book.tell(NOW + HOLD + TEAM_AFTER)
    assert (escalated.stage, escalated.level) == (Stage.ESCALATED, Level.TEAM)
    await book.ran(ids, E.SUCCESS, NOW + 2 * TEAM_AFTER)
    await book.look(NOW + 2 * TEAM_AFTER)
    ended = await book.tell(NOW + 2 * TEAM_AFTER)
    assert [(one.stage, one.level) for one in ended] == [(Stage.RESOLVED, Level.OWNER), (Stage.RESOLVED, Level.TEAM)]
    assert await book.tell(NOW + 3 * TEAM_AFTER) == []


@ON_ONE
async def test_what_is_rolled_back_is_told_again(book: Ledger) -> None:
    await book.look(NOW, (finder(dead()),))
    async with book.database.session() as session:
        assert await due_to_tell(session, now=NOW + HOLD)
        await session.rollback()
    assert len(await book.tell(NOW + HOLD)) == 1


@ON_ONE
async def test_warnings_wait_for_the_digest(book: Ledger) -> None:
    await book.look(NOW, (finder(dead(severity=Severity.WARNING)),))
    assert await book.tell(NOW + HOUR) == []
    await book.look(NOW + HOUR, (finder(dead(severity=Severity.CRITICAL)),))
    assert [one.stage for one in await book.tell(NOW + HOUR)] == [Stage.OPENED]


@ON_ONE
async def test_who_takes_note_of_it_keeps_it_from_going_further(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.FAILED, NOW)
    await book.look(NOW)
    await book.tell(NOW + HOLD)
    (row,) = await book.incidents()
    asked = await context(book, NOW + MINUTE)
    for _ in range(2):
        await book.database.transact(lambda session: service.acknowledge(session, row.id, asked))
    await book.look(NOW + 10 * TEAM_AFTER)
    assert await book.tell(NOW + 10 * TEAM_AFTER) == []
    (row,) = await book.incidents()
    assert (row.acknowledged_by, row.level, row.next_level_at) == ("owner@example.com", "owner", None)
    async with book.database.session() as session:
        events = (await session.scalars(select(AuditEvent).where(AuditEvent.entity_type == "incident"))).all()
    assert [(event.action, event.entity_id) for event in events] == [("acknowledged", row.id)]


@ON_ONE
async def test_what_is_muted_is_told_when_the_mute_ends_and_its_end_in_any_case(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.FAILED, NOW)
    await book.look(NOW)
    (row,) = await book.incidents()
    asked = await context(book, NOW)
    await book.database.transact(lambda session: service.mute(session, row.id, NOW + HOUR, asked))
    await book.look(NOW + MINUTE)
    assert await book.tell(NOW + HOUR - SECOND) == []
    assert [one.stage for one in await book.tell(NOW + HOUR)] == [Stage.OPENED]
    await book.database.transact(lambda session: service.mute(session, row.id, NOW + 5 * HOUR, asked))
    await book.ran(ids, E.SUCCESS, NOW + 2 * HOUR)
    await book.look(NOW + 2 * HOUR)
    assert [one.stage for one in await book.tell(NOW + 2 * HOUR)] == [Stage.RESOLVED]


@ON_ONE
async def test_a_look_takes_as_many_statements_with_many_schedules_as_with_few(book: Ledger) -> None:
    few, many = await book.add(3), await book.add(60)
    await book.ran(few, E.FAILED, NOW)
    with recorded(book.database) as small:
        await book.look(NOW)
    await book.ran(many, E.FAILED, NOW)
    with recorded(book.database) as large:
        await book.look(NOW + MINUTE)
    assert large.statements <= small.statements + 2
