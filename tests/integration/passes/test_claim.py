"""The claim: whatever Prefect does, an occurrence has one execution and one flow run that works on it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from mailroom.executions import delivery_lifecycle
from mailroom.executions import repository as executions
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.claim import Claimed, FlowRunFacts, HeldElsewhere, Stopped, claim
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Attempt, Delivery, Execution, Schedule

MONDAY_NINE = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
NOW = MONDAY_NINE + timedelta(seconds=2)


def run(*, at: datetime = MONDAY_NINE, scheduled: bool = True, run_id: str | None = None) -> FlowRunFacts:
    return FlowRunFacts(run_id or new_id(), at, scheduled)


async def claimed(
    ledger: Database, facts: FlowRunFacts, schedule: Schedule, execution_id: str | None = None
) -> Claimed | Stopped | HeldElsewhere:
    async with ledger.session() as session:
        return await claim(session, facts, schedule_id=schedule.id, execution_id=execution_id, now=NOW)


async def count(ledger: Database) -> int:
    async with ledger.session() as session:
        return (await session.scalars(select(func.count()).select_from(Execution))).one()


async def test_twenty_runs_for_one_occurrence_and_one_wins(ledger: Database, schedule: Schedule) -> None:
    results = await asyncio.gather(*(claimed(ledger, run(), schedule) for _ in range(20)))
    winners = [result for result in results if isinstance(result, Claimed)]
    assert len(winners) == 1
    assert winners[0].execution.due_at == MONDAY_NINE
    assert all(result.reason.code is ReasonCode.IN_ANOTHER_RUN for result in results if isinstance(result, Stopped))
    assert await count(ledger) == 1


async def test_a_run_that_comes_back_finds_its_own_execution(ledger: Database, schedule: Schedule) -> None:
    facts = run()
    first = await claimed(ledger, facts, schedule)
    assert isinstance(first, Claimed)
    async with ledger.session() as session:
        (await executions.get(session, first.execution.id)).status = ExecutionState.RETRYING
    # On its second pass Prefect gives another start time; it must not count.
    again = await claimed(ledger, FlowRunFacts(facts.id, NOW + timedelta(minutes=5), scheduled=True), schedule)
    assert isinstance(again, Claimed)
    assert again.again
    assert again.execution.id == first.execution.id


async def test_a_success_is_never_repeated(ledger: Database, schedule: Schedule) -> None:
    facts = run()
    first = await claimed(ledger, facts, schedule)
    assert isinstance(first, Claimed)
    async with ledger.session() as session:
        (await executions.get(session, first.execution.id)).status = ExecutionState.SUCCESS
    again = await claimed(ledger, facts, schedule)
    assert isinstance(again, Stopped)
    assert again.reason.code is ReasonCode.NEVER_REPEATED


async def test_a_scheduled_run_off_the_timing_does_nothing(ledger: Database, schedule: Schedule) -> None:
    result = await claimed(ledger, run(at=MONDAY_NINE + timedelta(hours=1)), schedule)
    assert isinstance(result, Stopped)
    assert result.reason.code is ReasonCode.NOT_DUE
    assert await count(ledger) == 0


async def test_seconds_of_the_expected_start_do_not_matter(ledger: Database, schedule: Schedule) -> None:
    result = await claimed(ledger, run(at=MONDAY_NINE + timedelta(seconds=0.25)), schedule)
    assert isinstance(result, Claimed)
    assert result.execution.due_at == MONDAY_NINE


async def test_a_run_made_by_hand_is_a_run_now(ledger: Database, schedule: Schedule) -> None:
    result = await claimed(ledger, run(at=NOW, scheduled=False), schedule)
    assert isinstance(result, Claimed)
    assert result.execution.kind is ExecutionKind.RUN_NOW


async def test_an_unknown_schedule_stops(ledger: Database) -> None:
    async with ledger.session() as session:
        result = await claim(session, run(), schedule_id=new_id(), execution_id=None, now=NOW)
    assert isinstance(result, Stopped)


async def test_a_requested_execution_belongs_to_one_run(ledger: Database, schedule: Schedule) -> None:
    async with ledger.session() as session:
        wanted = Execution(schedule_id=schedule.id, kind=ExecutionKind.TEST, due_at=NOW, created_at=NOW)
        session.add(wanted)
    results = [await claimed(ledger, run(scheduled=False), schedule, wanted.id) for _ in range(2)]
    assert isinstance(results[0], Claimed)
    assert isinstance(results[1], Stopped)


async def test_what_a_dead_pass_left_sending_becomes_unknown(ledger: Database, schedule: Schedule) -> None:
    facts = run()
    first = await claimed(ledger, facts, schedule)
    assert isinstance(first, Claimed)
    async with ledger.session() as session:
        delivery = Delivery(
            execution_id=first.execution.id,
            position=0,
            channel="email",
            connection="smtp",
            recipient="ada@example.com",
            key=new_id(),
            destination={},
            created_at=NOW,
            attempts=0,
        )
        session.add(delivery)
        (await executions.get(session, first.execution.id)).status = ExecutionState.RUNNING
    async with ledger.session() as session:
        assert await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=facts.id)
    async with ledger.session() as session:
        assert await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=facts.id) is None
    assert isinstance(await claimed(ledger, facts, schedule), Claimed)
    async with ledger.session() as session:
        stored = await session.get(Delivery, delivery.id)
        attempt = (await session.scalars(select(Attempt))).one()
    assert stored is not None
    assert stored.status is DeliveryState.UNKNOWN
    assert stored.attempts == 1
    assert attempt.outcome is DeliveryState.UNKNOWN
    assert attempt.ended_at == NOW


async def test_two_passes_that_race_for_a_delivery_make_one_attempt(ledger: Database, schedule: Schedule) -> None:
    first = await claimed(ledger, run(), schedule)
    assert isinstance(first, Claimed)
    async with ledger.session() as session:
        delivery = Delivery(
            execution_id=first.execution.id, position=0, channel="email", connection="smtp", recipient="a@example.com",
            key=new_id(), destination={}, created_at=NOW, attempts=0,
        )  # fmt: skip
        session.add(delivery)

    async def take() -> bool:
        async with ledger.session() as session:
            return await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=None) is not None

    assert sorted(await asyncio.gather(*(take() for _ in range(8)))) == [False] * 7 + [True]


async def test_a_late_receipt_counts_though_another_attempt_has_begun(ledger: Database, schedule: Schedule) -> None:
    first = await claimed(ledger, run(), schedule)
    assert isinstance(first, Claimed)
    async with ledger.session() as session:
        delivery = Delivery(
            execution_id=first.execution.id, position=0, channel="email", connection="smtp", recipient="a@example.com",
            key=new_id(), destination={}, created_at=NOW, attempts=0,
        )  # fmt: skip
        session.add(delivery)

    async def begin() -> Attempt:
        async with ledger.session() as session:
            found = await session.get(Delivery, delivery.id)
            assert found is not None
            attempt = await delivery_lifecycle.begin_attempt(session, found, now=NOW, flow_run_id=None)
            assert attempt is not None
            return attempt

    async def end(attempt: Attempt, outcome: DeliveryState) -> DeliveryState:
        async with ledger.session() as session:
            await delivery_lifecycle.end_attempt(session, attempt, now=NOW, outcome=outcome, receipt={"reference": "1"})
        async with ledger.session() as session:
            found = await session.get(Delivery, delivery.id)
            assert found is not None
            return found.status

    one = await begin()
    async with ledger.session() as session:
        await delivery_lifecycle.abandon_attempts(session, first.execution.id, now=NOW)
    two = await begin()
    async with ledger.session() as session:
        await delivery_lifecycle.abandon_attempts(session, first.execution.id, now=NOW)
    assert await end(two, DeliveryState.FAILED) is DeliveryState.UNKNOWN, "it may have arrived all the same"
    three = await begin()
    assert await end(one, DeliveryState.DELIVERED) is DeliveryState.DELIVERED, "though the third is under way"
    assert await end(three, DeliveryState.FAILED) is DeliveryState.DELIVERED
    assert await end(two, DeliveryState.UNKNOWN) is DeliveryState.DELIVERED
