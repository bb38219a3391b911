"""What is found in the ledger, and when it is over."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleSuspended
from mailroom.connections.breaker import repository as outcomes
from mailroom.context import Context
from mailroom.incidents import service
from mailroom.incidents.finders.missed import FORGOTTEN_AFTER
from mailroom.incidents.finders.sync import MANY, PENDING_FOR
from mailroom.incidents.spec import IncidentKind
from mailroom.settings import Settings
from mailroom.states import BreakerState, DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.model.connection_health import ConnectionHealth
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Execution, Report, User
from tests.integration.conftest import NOW
from tests.integration.incidents.conftest import DAY, HOUR, MINUTE, ON_ONE, SECOND, Ledger

E, K = ExecutionState, IncidentKind


async def look(book: Ledger, at: datetime) -> list[str]:
    """Look, and return what is wrong."""
    await book.look(at)
    return await book.kinds()


@pytest.mark.parametrize("ended", [E.FAILED, E.PARTIAL])
async def test_a_failed_run_is_over_with_the_next_success(book: Ledger, ended: ExecutionState) -> None:
    ids = await book.add()
    await book.ran(ids, ended, NOW)
    assert await look(book, NOW + MINUTE) == [K.SCHEDULE_FAILING]
    (row,) = await book.incidents()
    assert (row.subject, row.owner_id, row.values["status"]) == (ids[0], book.owner_id, ended)
    assert row.values["error"] == "The host does not answer."
    await book.ran(ids, E.SUCCESS, NOW + HOUR)
    assert await look(book, NOW + HOUR) == []


async def test_what_does_not_count_neither_opens_nor_ends_it(book: Ledger) -> None:
    fine, failing = await book.add(2)
    await book.ran([fine], E.SKIPPED, NOW)
    await book.ran([fine], E.CANCELLED, NOW + MINUTE)
    await book.ran([fine], E.FAILED, NOW + MINUTE, kind=ExecutionKind.TEST)
    await book.ran([fine], E.RETRYING, NOW + 2 * MINUTE)
    await book.ran([failing], E.FAILED, NOW)
    assert await look(book, NOW + HOUR) == [K.SCHEDULE_FAILING]
    assert [row.subject for row in await book.incidents()] == [failing]
    await book.ran([failing], E.SKIPPED, NOW + HOUR)
    await book.ran([failing], E.SUCCESS, NOW + HOUR, kind=ExecutionKind.TEST)
    assert await look(book, NOW + 2 * HOUR) == [K.SCHEDULE_FAILING]
    await book.set([failing], state=ScheduleState.PAUSED)
    assert await look(book, NOW + 3 * HOUR) == []


async def test_a_run_that_a_person_tries_again_stays_open_until_it_has_ended(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.SUCCESS, NOW)
    (run,) = await book.ran(ids, E.FAILED, NOW + HOUR)
    assert await look(book, NOW + HOUR) == [K.SCHEDULE_FAILING]
    for status, expected in ((E.RUNNING, [K.SCHEDULE_FAILING]), (E.SUCCESS, [])):
        async with book.database.session() as session:
            execution = await session.get(Execution, run)
            assert execution is not None
            execution.status = status
        await book.set(ids, updated_at=NOW)
        assert await look(book, NOW + 2 * HOUR) == expected


@ON_ONE
async def test_samples_are_left_out(book: Ledger) -> None:
    ids = await book.add(4, is_sample=True)
    await book.ran(ids, E.FAILED, NOW)
    await book.set(ids[:1], state=ScheduleState.SUSPENDED, sync_state="error")
    await book.ran(ids[1:2], E.MISSED, NOW + MINUTE)
    assert await look(book, NOW + HOUR) == []


@ON_ONE
async def test_a_missed_due_time_is_over_with_the_next_delivery(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.MISSED, NOW, reason_code="text")
    assert await look(book, NOW + MINUTE) == [K.OCCURRENCE_MISSED]
    await book.ran(ids, E.FAILED, NOW + HOUR)
    assert await look(book, NOW + HOUR) == [K.OCCURRENCE_MISSED, K.SCHEDULE_FAILING]
    await book.ran(ids, E.SUCCESS, NOW + 2 * HOUR)
    assert await look(book, NOW + 2 * HOUR) == []


@ON_ONE
async def test_a_missed_due_time_is_over_after_a_while(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.MISSED, NOW, reason_code="text")
    assert await look(book, NOW + FORGOTTEN_AFTER - SECOND) == [K.OCCURRENCE_MISSED]
    assert await look(book, NOW + FORGOTTEN_AFTER) == []


async def test_a_missed_due_time_is_over_when_somebody_takes_note_of_it(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.MISSED, NOW, reason_code="text")
    await look(book, NOW + MINUTE)
    (row,) = await book.incidents()
    async with book.database.session() as session:
        owner = await session.get(User, book.owner_id)
        assert owner is not None
        await service.acknowledge(session, row.id, Context(user=owner, now=NOW + HOUR, settings=Settings()))
    assert await look(book, NOW + HOUR) == []
    await book.ran(ids, E.MISSED, NOW + DAY, reason_code="text")
    assert await look(book, NOW + DAY) == [K.OCCURRENCE_MISSED], "the next one is new"


async def test_a_suspended_schedule_covers_its_failure(book: Ledger) -> None:
    ids = await book.add()
    await book.ran(ids, E.FAILED, NOW)
    await look(book, NOW + MINUTE)
    await book.set(ids, state=ScheduleState.SUSPENDED)
    async with book.database.session() as session:
        audit.record(session, ScheduleSuspended(ids[0], 5), at=NOW)
    assert await look(book, NOW + 2 * MINUTE) == [K.SCHEDULE_SUSPENDED]
    (row,) = await book.incidents()
    assert (row.values["cause"], row.values["failures"]) == ("failures", 5)
    await book.set(ids, state=ScheduleState.ACTIVE)
    assert await look(book, NOW + 3 * MINUTE) == [K.SCHEDULE_FAILING], "it has not delivered yet"


async def test_several_that_fail_through_one_connection_are_one_until_something_goes_well(book: Ledger) -> None:
    ids = await book.add(4)
    await book.ran(ids[:2], E.FAILED, NOW)
    assert await look(book, NOW + MINUTE) == [K.SCHEDULE_FAILING] * 2
    await book.ran(ids[2:3], E.FAILED, NOW + MINUTE)
    assert await look(book, NOW + 2 * MINUTE) == [K.CONNECTION_FAILING]
    (row,) = await book.incidents()
    assert (row.subject, row.owner_id, row.severity) == ("bank", None, "critical")
    await book.ran(ids[3:], E.SUCCESS, NOW + HOUR)
    assert await look(book, NOW + HOUR) == [K.SCHEDULE_FAILING] * 3


@ON_ONE
async def test_a_far_side_that_refuses_its_recipients_works(book: Ledger) -> None:
    ids = await book.add(3)
    await book.ran(ids, E.FAILED, NOW, delivery=DeliveryState.REFUSED)
    assert await look(book, NOW + MINUTE) == [K.SCHEDULE_FAILING] * 3


async def test_reports_that_cannot_be_made_of_one_source_are_one(book: Ledger) -> None:
    async with book.database.session() as session:
        report = (await session.scalars(select(Report))).one()
        source = report.definition["source"]["connection"]
    ids = await book.add(3)
    for number, one in enumerate(ids):
        await book.ran([one], E.FAILED, NOW, reason_code="text", connection=f"c{number}")
    async with book.database.session() as session:
        for run in await session.scalars(select(Execution)):
            run.reason_code, run.reason_values = "render_failed", {"error": "No answer."}
    assert await look(book, NOW + MINUTE) == [K.CONNECTION_FAILING]
    (row,) = await book.incidents()
    assert (row.subject, row.values["role"]) == (source, "source")


async def test_a_breaker_that_does_not_close_covers_who_waits_for_it(book: Ledger) -> None:
    ids = await book.add(2)
    columns = {"trips": 3, "stop_id": "stop-1", "reason": "No answer.", "probe_at": NOW + HOUR}
    async with book.database.session() as session:
        session.add(ConnectionHealth(name="bank", state=BreakerState.OPEN, since=NOW, **columns))
    await book.ran(ids[:1], E.PENDING, NOW, held_by="stop-1")
    await book.ran(ids[1:], E.RETRYING, NOW)
    assert await look(book, NOW + MINUTE) == [K.CONNECTION_FAILING]
    (row,) = await book.incidents()
    assert (row.values["waiting"], row.values["why"]) == (2, "No answer.")
    async with book.database.session() as session:
        health = await session.get(ConnectionHealth, "bank")
        assert health is not None
        health.state, health.probe_at = BreakerState.CLOSED, None
    assert await look(book, NOW + 2 * MINUTE) == []


async def test_several_that_wait_while_nothing_works_are_one_until_something_does(book: Ledger) -> None:
    ids = await book.add(3)
    await book.ran(ids, E.RETRYING, NOW)
    await _tried(book, NOW, failed=2)
    assert await look(book, NOW + SECOND) == []
    await _tried(book, NOW + MINUTE, failed=1)
    assert await look(book, NOW + MINUTE) == [K.CONNECTION_FAILING]
    assert await look(book, NOW + HOUR) == [K.CONNECTION_FAILING], "nothing was tried since"
    await _tried(book, NOW + HOUR, failed=1)
    await _tried(book, NOW + HOUR + MINUTE, worked=1)
    assert await look(book, NOW + HOUR + MINUTE) == []
    await _tried(book, NOW + HOUR + 2 * MINUTE, failed=2)
    assert await look(book, NOW + HOUR + 2 * MINUTE) == [], "what failed before does not count any more"


async def _tried(book: Ledger, at: datetime, *, worked: int = 0, failed: int = 0) -> None:
    """Count how attempts through the connection ended."""
    async with book.database.session() as session:
        for number in range(worked + failed):
            await outcomes.count(session, "bank", worked=number < worked, now=at)


async def test_changes_that_do_not_get_to_prefect(book: Ledger) -> None:
    refused, waits, fresh = await book.add(3)
    await book.set([refused], sync_state="error", sync_error="The work pool is not there.")
    await book.set([waits], sync_state="pending")
    await book.set([fresh], sync_state="pending", updated_at=NOW + PENDING_FOR)
    assert await look(book, NOW + PENDING_FOR + SECOND) == [K.SYNC_STUCK] * 2
    assert {row.subject for row in await book.incidents()} == {refused, waits}
    await book.set([refused, waits, fresh], sync_state="synced")
    assert await look(book, NOW + HOUR) == []


@ON_ONE
async def test_what_waits_while_prefect_is_silent_is_not_stuck(book: Ledger) -> None:
    ids = await book.add()
    await book.set(ids, sync_state="pending")
    silent = Incident(kind=K.PREFECT_SILENT, subject="prefect", severity="critical", level="operator")
    silent.opened_at = silent.last_seen_at = NOW
    async with book.database.session() as session:
        session.add(silent)
    assert await look(book, NOW + HOUR) == [K.PREFECT_SILENT]
    async with book.database.session() as session:
        row = await session.get(Incident, silent.id)
        assert row is not None
        row.resolved_at = NOW + HOUR
    assert await look(book, NOW + HOUR + PENDING_FOR - SECOND) == [], "the backlog takes its turn"
    assert await look(book, NOW + HOUR + PENDING_FOR + SECOND) == [K.SYNC_STUCK]


@ON_ONE
async def test_many_that_are_stuck_are_one(book: Ledger) -> None:
    ids = await book.add(MANY)
    await book.set(ids, sync_state="error", sync_error="No.")
    await look(book, NOW + MINUTE)
    (row,) = await book.incidents()
    assert (row.subject, row.values["schedules"]) == ("schedules", MANY)
