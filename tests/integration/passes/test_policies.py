"""Policies over whole passes: what waits, what is cancelled, and that nothing leaves twice or for the wrong one."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import lifecycle, silence
from mailroom.executions import repository as executions
from mailroom.executions.reasons import ReasonCode, because, reason_of
from mailroom.passes.claim import FlowRunFacts, Stopped
from mailroom.passes.gate import start_of
from mailroom.passes.outcome import Outcome
from mailroom.passes.work import Begun, Work
from mailroom.schedules import service as schedules
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Delivery, Execution, Schedule, User

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"
# Not the next hour, which may begin before a schedule is stored.
FIRST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
SECOND, THIRD = FIRST + timedelta(hours=1), FIRST + timedelta(hours=2)
SOON = timedelta(seconds=5)


async def hourly(environment: Environment, **policy: Any) -> Schedule:
    timing = {"frequency": "cron", "expression": "0 * * * *", "timezone": "UTC"}
    return await environment.create(timing=timing, policy=policy)


async def entry(environment: Environment, due: datetime) -> Execution:
    async with environment.database.session() as session:
        return (await session.scalars(select(Execution).where(Execution.due_at == due))).one()


async def outcome(
    environment: Environment, schedule: Schedule, due: datetime, run_id: str, now: datetime | None = None
) -> Outcome:
    result = await environment.run_pass(schedule, at=due, run_id=run_id, now=now or due + SOON)
    assert isinstance(result, Outcome)
    return result


async def begin(
    environment: Environment, schedule: Schedule, due: datetime, run_id: str, now: datetime | None = None
) -> tuple[Work, Begun]:
    work = Work(environment.database, environment.settings, FlowRunFacts(run_id, due, scheduled=True))
    begun = await work.begin(schedule.id, None, now=now or due + SOON)
    assert isinstance(begun, Begun)
    return work, begun


async def test_jitter_waits_without_a_slot_and_starts_at_its_second(environment: Environment) -> None:
    schedule = await hourly(environment, jitter="PT30M")
    start, run_id = start_of(schedule.id, FIRST, timedelta(minutes=30)), new_id()
    result = await outcome(environment, schedule, FIRST, run_id, now=FIRST)
    assert (result.state, result.retry_at) == (ExecutionState.PENDING, start)
    row = await entry(environment, FIRST)
    assert (row.status, row.due_at, row.next_pass_at) == (ExecutionState.PENDING, FIRST, start)
    assert row.reason_code == ReasonCode.JITTER
    duplicate = await environment.run_pass(schedule, at=FIRST, now=start)
    assert isinstance(duplicate, Stopped)
    assert (await outcome(environment, schedule, FIRST, run_id, now=start)).state is ExecutionState.SUCCESS
    row = await entry(environment, FIRST)
    assert (row.reason_code, row.next_pass_at) == (ReasonCode.DELIVERED, None)
    assert row.reason_values == {"delivered": 2, "total": 2}
    assert environment.mail.taken() == [ADA, BOB]


async def test_what_waits_for_its_start_is_no_silent_run(environment: Environment) -> None:
    schedule = await hourly(environment, jitter="PT30M")
    start = start_of(schedule.id, FIRST, timedelta(minutes=30))
    await outcome(environment, schedule, FIRST, new_id(), now=FIRST)
    async with environment.database.session() as session:
        before = start - timedelta(seconds=1)
        assert not await silence.silent(session, before=before, now=start, limit=10)
        assert await silence.silent(session, before=start + timedelta(seconds=1), now=start, limit=10)


@pytest.mark.parametrize("why", ["schedule_paused", "schedule_deleted", "owner_inactive"])
async def test_what_waits_does_not_leave_once_it_may_not(environment: Environment, why: str) -> None:
    schedule = await hourly(environment, jitter="PT30M")
    run_id = new_id()
    await outcome(environment, schedule, FIRST, run_id, now=FIRST)
    async with environment.database.session() as session:
        if why == "owner_inactive":
            owner = await session.get(User, environment.owner.id)
            assert owner is not None
            owner.is_active = False
        else:
            change = schedules.pause if why == "schedule_paused" else schedules.delete
            await change(session, schedule.id, environment.context())
    await environment.run_pass(schedule, at=FIRST, run_id=run_id, now=FIRST + timedelta(minutes=30))
    row = await entry(environment, FIRST)
    assert row.status is ExecutionState.SKIPPED
    assert row.reason_code == why
    assert environment.mail.mails == []


async def test_one_waits_for_the_earlier_one_and_the_next_is_skipped(environment: Environment) -> None:
    schedule = await hourly(environment, overlap="buffer_one")
    runs = [new_id(), new_id(), new_id()]
    environment.mail.replies[BOB] = "451 later"
    assert (await outcome(environment, schedule, FIRST, runs[0])).state is ExecutionState.RETRYING
    waiting = await outcome(environment, schedule, SECOND, runs[1])
    first, second = await entry(environment, FIRST), await entry(environment, SECOND)
    assert waiting.state is ExecutionState.PENDING
    assert waiting.retry_at
    assert (second.waits_for, second.status) == (first.id, ExecutionState.PENDING)
    skipped = await outcome(environment, schedule, THIRD, runs[2])
    assert skipped.state is ExecutionState.SKIPPED
    assert skipped.reason == because(ReasonCode.QUEUE_FULL, execution=first.id, queued=second.id)
    again = await outcome(environment, schedule, SECOND, runs[1], now=waiting.retry_at)
    assert again.state is ExecutionState.PENDING, "the first is not done yet"
    environment.mail.replies.clear()
    await environment.due_now()
    assert (await outcome(environment, schedule, FIRST, runs[0])).state is ExecutionState.SUCCESS
    done = await outcome(environment, schedule, SECOND, runs[1], now=THIRD + SOON)
    assert done.state is ExecutionState.SUCCESS
    assert environment.mail.taken() == [ADA, ADA, BOB, BOB]
    assert (await entry(environment, SECOND)).waits_for is None


async def test_one_that_waits_too_long_is_missed(environment: Environment) -> None:
    schedule = await hourly(environment, overlap="buffer_one", expires_after="PT90M")
    environment.mail.replies = {ADA: "451 later", BOB: "451 later"}
    await outcome(environment, schedule, FIRST, new_id())
    run_id = new_id()
    await outcome(environment, schedule, SECOND, run_id)
    expired = SECOND + timedelta(minutes=90, seconds=1)
    result = await outcome(environment, schedule, SECOND, run_id, now=expired)
    assert result.state is ExecutionState.MISSED
    assert result.reason.code is ReasonCode.EXPIRED_WAITING


async def test_all_that_is_caught_up_runs_oldest_first(environment: Environment) -> None:
    schedule = await hourly(environment, catchup="all", expires_after="P2D")
    runs, now = {due: new_id() for due in (FIRST, SECOND, THIRD)}, THIRD + timedelta(minutes=30)
    work = Work(environment.database, environment.settings, FlowRunFacts(runs[FIRST], FIRST, scheduled=True))
    begun = await work.begin(schedule.id, None, now=now)
    assert isinstance(begun, Begun)
    for due in (THIRD, SECOND):
        assert (await outcome(environment, schedule, due, runs[due], now=now)).state is ExecutionState.PENDING
    made = await work.render(begun)
    assert not isinstance(made, Outcome)
    assert (await work.settle(begun, await work.deliver(begun, made))).state is ExecutionState.SUCCESS
    assert (await outcome(environment, schedule, THIRD, runs[THIRD], now=now)).state is ExecutionState.PENDING
    for due in (SECOND, THIRD):
        assert (await outcome(environment, schedule, due, runs[due], now=now)).state is ExecutionState.SUCCESS
    assert environment.mail.taken() == [ADA] * 3 + [BOB] * 3


async def test_a_later_one_cancels_the_retries_of_an_earlier_one(environment: Environment) -> None:
    schedule = await hourly(environment, overlap="cancel_other")
    runs = [new_id(), new_id()]
    environment.mail.replies[BOB] = "451 later"
    assert (await outcome(environment, schedule, FIRST, runs[0])).state is ExecutionState.RETRYING
    environment.mail.replies.clear()
    work, begun = await begin(environment, schedule, SECOND, runs[1])
    (superseded,) = begun.superseded
    assert (superseded.flow_run_id, superseded.alive) == (runs[0], False)
    made = await work.render(begun)
    assert not isinstance(made, Outcome)
    assert (await work.settle(begun, await work.deliver(begun, made))).state is ExecutionState.SUCCESS
    first, second = await entry(environment, FIRST), await entry(environment, SECOND)
    assert (first.status, first.superseded_by) == (ExecutionState.CANCELLED, second.id)
    why = because(ReasonCode.SUPERSEDED, execution=second.id, due_at=SECOND)
    assert reason_of(first) == why
    states = await states_of(environment, first)
    assert states == {ADA: DeliveryState.DELIVERED, BOB: DeliveryState.SUPPRESSED}
    # Its run comes back all the same: its own retry that Prefect did not cancel in time, or a Retry in the UI.
    again = await environment.run_pass(schedule, at=FIRST, run_id=runs[0])
    assert isinstance(again, Stopped)
    assert again.reason == why
    assert environment.mail.taken() == [ADA, ADA, BOB]
    assert (await environment.row(schedule)).consecutive_failures == 0


async def states_of(environment: Environment, execution: Execution) -> dict[str, DeliveryState]:
    async with environment.database.session() as session:
        return {row.recipient: row.status for row in await delivery_repository.deliveries_of(session, [execution.id])}


@pytest.mark.parametrize("killed", [False, True], ids=["it learns of it", "its process is killed"])
async def test_an_attempt_under_way_is_unknown_and_nothing_else_leaves(
    environment: Environment, *, killed: bool
) -> None:
    schedule = await hourly(environment, overlap="cancel_other")
    people = [f"reader{number}@example.com" for number in range(7)]
    mail = {"channel": "email", "connection": "smtp", "to": people}
    async with environment.database.session() as session:
        row = await session.get(Schedule, schedule.id)
        assert row is not None
        row.distribution_config = {**row.distribution_config, "destinations": [mail]}
    arrived, answer = asyncio.Semaphore(0), asyncio.Event()

    async def hold() -> None:
        arrived.release()
        await answer.wait()

    environment.mail.before = hold
    run_id = new_id()
    sending = asyncio.create_task(outcome(environment, schedule, FIRST, run_id))
    for _ in range(4):  # So many go through one connection at once.
        await arrived.acquire()
    _, begun = await begin(
        environment, schedule, SECOND, new_id(), now=FIRST + 2 * SOON
    )  # The earlier one's lease holds.
    assert [one.alive for one in begun.superseded] == [True]
    first = await entry(environment, FIRST)
    states = list((await states_of(environment, first)).values())
    assert sorted(states) == sorted([DeliveryState.UNKNOWN] * 4 + [DeliveryState.SUPPRESSED] * 3)
    if killed:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
    answer.set()
    if not killed:
        result = await sending
        assert result.state is ExecutionState.CANCELLED
        # Their receipts came after all: that is the truth, and it is kept.
        states = list((await states_of(environment, first)).values())
        assert sorted(states) == sorted([DeliveryState.DELIVERED] * 4 + [DeliveryState.SUPPRESSED] * 3)
        assert len(environment.mail.taken()) == 4
    again = await environment.run_pass(schedule, at=FIRST, run_id=run_id)
    assert isinstance(again, Stopped)
    assert (await entry(environment, FIRST)).status is ExecutionState.CANCELLED
    async with environment.database.session() as session:
        tried = (await session.scalars(select(Delivery.attempts).where(Delivery.execution_id == first.id))).all()
    assert sorted(tried) == [0, 0, 0, 1, 1, 1, 1]


async def test_one_cancelled_while_it_renders_delivers_nothing(environment: Environment) -> None:
    schedule = await hourly(environment, overlap="cancel_other")
    earlier, begun = await begin(environment, schedule, FIRST, new_id())
    made = await earlier.render(begun)
    assert not isinstance(made, Outcome)
    await begin(environment, schedule, SECOND, new_id())
    result = await earlier.settle(begun, await earlier.deliver(begun, made))
    assert result.state is ExecutionState.CANCELLED
    assert await states_of(environment, await entry(environment, FIRST)) == {}
    assert environment.mail.mails == []


async def test_one_cancelled_when_its_deliveries_are_planned_sends_nothing(environment: Environment) -> None:
    """The attempt asks again, so that nothing slips through between the plan and the first byte."""
    schedule = await hourly(environment, overlap="cancel_other")
    earlier, begun = await begin(environment, schedule, FIRST, new_id())
    made = await earlier.render(begun)
    assert not isinstance(made, Outcome)
    first, real = await entry(environment, FIRST), delivery_repository.plan_deliveries

    async def planned_late(*arguments: Any) -> Any:
        found = await real(*arguments)
        row = await executions.get(arguments[0], first.id)
        lifecycle.cancel(row, because(ReasonCode.CANCELLED_IN_PREFECT), schedule=schedule, now=SECOND)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery_repository, "plan_deliveries", planned_late)
        result = await earlier.settle(begun, await earlier.deliver(begun, made))
    assert result.state is ExecutionState.CANCELLED
    assert set((await states_of(environment, first)).values()) == {DeliveryState.SUPPRESSED}
    assert environment.mail.mails == []
