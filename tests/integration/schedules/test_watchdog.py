"""Every due time ends in the ledger, by time travel: outages, changes near a due time, clocks that step, duplicates."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event, select

from mailroom.context import Context
from mailroom.executions import lifecycle
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import ReasonCode, because
from mailroom.passes.claim import Claimed, FlowRunFacts, HeldElsewhere, Stopped, claim
from mailroom.schedules import service as schedules
from mailroom.schedules import watchdog
from mailroom.schedules.watchdog import GRACE, GRACE_AFTER_CHANGE, look
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ScheduleState
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Execution, Notification, Schedule, User
from tests.integration.conftest import NOW, add_schedule

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
HOURLY = {"frequency": "cron", "expression": "0 * * * *", "timezone": "UTC"}
FIRST = NOW + HOUR
LATE = timedelta(minutes=5)


async def hourly(ledger: Database, **policy: Any) -> Schedule:
    """Due at FIRST and every hour from then on."""
    policies = {"policy": policy, "condition": {}}
    return await add_schedule(ledger, HOURLY, next_run=FIRST, policy_config=policies)


async def rows(ledger: Database, schedule: Schedule) -> list[tuple[int, str]]:
    """(hours after FIRST, state) of the schedule's occurrences."""
    async with ledger.session() as session:
        query = select(Execution).where(Execution.schedule_id == schedule.id, Execution.kind == ExecutionKind.SCHEDULED)
        found = await session.scalars(query.order_by(Execution.due_at))
        return [(int((row.due_at - FIRST) / HOUR), str(row.status)) for row in found]


async def stored(ledger: Database, schedule: Schedule) -> Schedule:
    async with ledger.session() as session:
        found = await session.get(Schedule, schedule.id)
        assert found is not None
        return found


async def change(ledger: Database, what: Any, schedule: Schedule, at: datetime) -> None:
    """Pause, resume or delete it at that moment."""
    async with ledger.session() as session:
        owner = (await session.scalars(select(User))).first()
        assert owner is not None
        await what(session, schedule.id, Context(user=owner, now=at, settings=Settings()))


async def run(ledger: Database, schedule: Schedule, due: datetime, now: datetime) -> Claimed | Stopped | HeldElsewhere:
    """What a run of Prefect's scheduler for that due time comes to."""
    async with ledger.session() as session:
        facts = FlowRunFacts(new_id(), due, scheduled=True)
        return await claim(session, facts, schedule_id=schedule.id, execution_id=None, now=now)


async def test_an_outage_over_three_due_times_leaves_none_out(ledger: Database) -> None:
    schedule = await hourly(ledger)
    now = FIRST + 2 * HOUR + LATE
    findings = await look(ledger, now=now)
    assert (findings.lost, findings.missed) == (1, 2)
    assert await rows(ledger, schedule) == [(0, "missed"), (1, "missed"), (2, "pending")]
    row = await stored(ledger, schedule)
    assert (row.accounted_until, row.next_run) == (now - GRACE_AFTER_CHANGE, FIRST + 3 * HOUR)
    assert not await look(ledger, now=now), "a second look finds nothing to do"
    async with ledger.session() as session:
        (note,) = await session.scalars(select(Notification))
    assert note.body.startswith("2 runs were missed")


async def test_all_are_made_good_where_the_policy_says_so(ledger: Database) -> None:
    schedule = await hourly(ledger, catchup="all")
    await look(ledger, now=FIRST + 2 * HOUR + LATE)
    assert await rows(ledger, schedule) == [(0, "pending"), (1, "pending"), (2, "pending")]


async def test_the_normal_path_has_its_time_and_a_changed_schedule_less(ledger: Database) -> None:
    schedule = await hourly(ledger)
    assert not await look(ledger, now=FIRST + GRACE - SECOND)
    async with ledger.session() as session:
        row = await session.get(Schedule, schedule.id)
        assert row is not None
        row.updated_at = FIRST - SECOND
    assert not await look(ledger, now=FIRST + GRACE_AFTER_CHANGE - SECOND)
    assert (await look(ledger, now=FIRST + GRACE_AFTER_CHANGE + SECOND)).lost == 1
    assert await rows(ledger, schedule) == [(0, "pending")]


async def test_five_watchdogs_and_five_runs_at_once_make_one_row(ledger: Database) -> None:
    schedule = await hourly(ledger)
    now = FIRST + LATE
    work = [look(ledger, now=now) for _ in range(5)] + [run(ledger, schedule, FIRST, now) for _ in range(5)]
    results = await asyncio.gather(*work)
    assert len([one for one in results if isinstance(one, Claimed)]) == 1
    assert await rows(ledger, schedule) == [(0, "pending")]
    # Where the runs had the row at that moment, every watchdog left it out; the next look moves the schedule on.
    await look(ledger, now=now)
    assert (await stored(ledger, schedule)).next_run == FIRST + HOUR


async def test_a_pause_just_after_a_due_time_skips_it_with_words(ledger: Database) -> None:
    schedule = await hourly(ledger)
    await change(ledger, schedules.pause, schedule, FIRST + 2 * SECOND)
    assert await rows(ledger, schedule) == [(0, "skipped")]
    late = await run(ledger, schedule, FIRST, FIRST + 3 * SECOND)
    assert isinstance(late, Stopped)
    assert late.reason.code is ReasonCode.ENDED_BEFORE
    assert late.reason.values["state"] == "skipped"
    assert words(because(ReasonCode.SCHEDULE_PAUSED)) == late.reason.values["why"]


async def test_what_falls_into_a_pause_was_not_due(ledger: Database) -> None:
    schedule = await hourly(ledger)
    await change(ledger, schedules.pause, schedule, FIRST - SECOND)
    await look(ledger, now=FIRST + LATE)
    await change(ledger, schedules.resume, schedule, FIRST + HOUR + SECOND)
    await look(ledger, now=FIRST + HOUR + LATE)
    assert await rows(ledger, schedule) == []
    # Prefect may still have a run of that time, such as after an outage of its own.
    left_over = await run(ledger, schedule, FIRST + HOUR, FIRST + HOUR + LATE)
    assert isinstance(left_over, Stopped)
    assert left_over.reason.code is ReasonCode.NOT_DUE_THEN
    await look(ledger, now=FIRST + 2 * HOUR + LATE)
    assert await rows(ledger, schedule) == [(2, "pending")]


async def test_a_resume_of_an_active_schedule_passes_over_nothing(ledger: Database) -> None:
    schedule = await hourly(ledger)
    await change(ledger, schedules.resume, schedule, FIRST + SECOND)
    await look(ledger, now=FIRST + LATE)
    assert await rows(ledger, schedule) == [(0, "pending")]


async def test_a_deletion_accounts_for_what_was_due_and_for_what_waits(ledger: Database) -> None:
    schedule = await hourly(ledger, catchup="all")
    await look(ledger, now=FIRST + LATE)
    await change(ledger, schedules.delete, schedule, FIRST + HOUR + SECOND)
    assert await rows(ledger, schedule) == [(0, "skipped"), (1, "skipped")]
    assert not await look(ledger, now=FIRST + 4 * HOUR)


async def test_an_occurrence_whose_run_never_began_expires(ledger: Database) -> None:
    schedule = await hourly(ledger, expires_after="PT1H")
    async with ledger.session() as session:
        await lifecycle.insert_occurrence(session, schedule.id, FIRST, flow_run_id=new_id(), now=FIRST)
        row = await session.get(Schedule, schedule.id)
        assert row is not None
        row.next_run = None
    assert (await look(ledger, now=FIRST + HOUR)).missed == 0
    assert (await look(ledger, now=FIRST + HOUR + SECOND)).missed == 1
    assert await rows(ledger, schedule) == [(0, "missed")]


async def test_a_one_time_schedule_is_finished_once_its_time_is_accounted_for(ledger: Database) -> None:
    once = {"frequency": "once", "at": f"{FIRST:%Y-%m-%dT%H:%M}", "timezone": "UTC"}
    schedule = await add_schedule(ledger, once, next_run=FIRST)
    await look(ledger, now=FIRST + LATE)
    assert await rows(ledger, schedule) == [(0, "pending")]
    assert (await stored(ledger, schedule)).state is ScheduleState.ACTIVE, "its occurrence has not ended"
    await look(ledger, now=FIRST + 5 * HOUR)
    assert await rows(ledger, schedule) == [(0, "missed")]
    assert (await stored(ledger, schedule)).state is ScheduleState.FINISHED


async def test_a_clock_that_steps_back_and_forth_makes_nothing_due_twice(ledger: Database) -> None:
    schedule = await hourly(ledger)
    now = FIRST + LATE
    assert isinstance(await run(ledger, schedule, FIRST, now), Claimed)
    await look(ledger, now=now + HOUR)
    for step in (timedelta(), -HOUR, HOUR, timedelta()):
        await look(ledger, now=now + step)
        assert isinstance(await run(ledger, schedule, FIRST, now + step), Stopped)
    assert await rows(ledger, schedule) == [(0, "pending"), (1, "pending")]
    assert (await stored(ledger, schedule)).accounted_until == now + HOUR - GRACE_AFTER_CHANGE


async def test_a_change_after_the_clock_stepped_back_counts_from_the_clock(ledger: Database) -> None:
    schedule = await hourly(ledger)
    await look(ledger, now=FIRST + 3 * HOUR + LATE)
    back = FIRST + LATE
    await change(ledger, schedules.pause, schedule, back)
    await change(ledger, schedules.resume, schedule, back + SECOND)
    row = await stored(ledger, schedule)
    assert (row.accounted_until, row.next_run) == (back + SECOND, FIRST + HOUR)


async def test_one_that_cannot_be_read_holds_nobody_up(ledger: Database) -> None:
    good = await hourly(ledger)
    async with ledger.session() as session:
        found = await session.get(Schedule, good.id)
        assert found is not None
        columns = {c.name: getattr(found, c.name) for c in Schedule.__table__.columns}
        session.add(Schedule(**{**columns, "id": "0", "schedule_config": {"frequency": "lunar"}}))
    assert (await look(ledger, now=FIRST + LATE)).lost == 1
    assert await rows(ledger, good) == [(0, "pending")]


async def test_a_thousand_schedules_take_a_few_statements_a_batch(ledger: Database) -> None:
    first = await hourly(ledger)
    async with ledger.session() as session:
        found = await session.get(Schedule, first.id)
        assert found is not None
        columns = {c.name: getattr(found, c.name) for c in Schedule.__table__.columns}
        session.add_all(Schedule(**{**columns, "id": new_id()}) for _ in range(999))
    statements: list[str] = []
    event.listen(
        ledger.engine.sync_engine, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement)
    )
    assert (await look(ledger, now=FIRST + LATE)).lost == 1000
    batches = 1000 // watchdog._BATCH + 1
    assert len(statements) < 20 * batches
