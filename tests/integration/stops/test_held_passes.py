"""Passes while something is stopped: nothing leaves, nothing is counted, and each goes on where it was."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prefect.client.schemas.objects import StateType
from sqlalchemy import select

from deployments.runs.wake import wake
from deployments.write_limiter import WriteLimiter
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.outcome import Outcome
from mailroom.releases import held
from mailroom.schedules import watchdog
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.stops.spec import StopScope
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution, Notification, Rendering
from tests.support.samples import FOLDER, MAIL
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.stops.conftest import Button
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

ADA, BOB = "ada@example.com", "bob@example.com"
PEOPLE = [f"p{number:02}@example.com" for number in range(12)]


async def _released(environment: Environment) -> list[str]:
    async with environment.database.session() as session:
        return [row.id for row in await held.released(session, now=environment.now(), limit=10)]


async def test_nothing_leaves_after_a_stop_and_each_gets_it_once_after_resuming(
    environment: Environment, flow_runs: FlowRuns, button: Button, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some mails are under way: one has arrived, some wait for the server's word to their recipient."""
    schedule = await environment.create(destinations=[{**MAIL, "to": PEOPLE}])
    execution = await environment.request(schedule)
    run_id = await flow_runs.create(schedule, execution)
    mail, go_on, waiting = environment.mail, asyncio.Event(), asyncio.Event()
    accept, begun = mail.handle_RCPT, 0
    took: list[datetime] = []

    async def slow(*arguments: Any) -> str:
        nonlocal begun
        begun += 1
        if begun > 2:
            waiting.set()
            await go_on.wait()
        return await accept(*arguments)

    async def note() -> None:
        took.append(datetime.now(UTC))

    monkeypatch.setattr(mail, "handle_RCPT", slow)
    mail.before = note
    work = asyncio.create_task(flow_runs.work(run_id))
    await asyncio.wait_for(waiting.wait(), 60)
    await eventually(lambda: len(took) == 2)  # The content of both has come; the others wait before theirs.
    await button.stop()
    stopped_at, before = datetime.now(UTC), len(took)
    go_on.set()
    run = await asyncio.wait_for(work, 60)

    assert len(took) == before == 2, "nothing leaves after the stop is committed"
    assert all(moment < stopped_at for moment in took)
    assert run.state_type is StateType.SCHEDULED, "the slot is given back"
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.RETRYING, ReasonCode.STOPPED)
    assert (row.error_count, row.crash_count, row.error_message) == (0, 0, None)
    deliveries = await environment.deliveries()
    left = [one for one in deliveries.values() if one.status is not DeliveryState.DELIVERED]
    assert {(one.status, one.attempts) for one in left} == {(DeliveryState.PENDING, 0)}
    assert len(await environment.attempts()) == before
    assert await _released(environment) == []

    await button.resume()
    assert await wake(flow_runs.client, environment.database, WriteLimiter(100), now=environment.now()) == 1
    assert await wake(flow_runs.client, environment.database, WriteLimiter(100), now=environment.now()) == 0
    run = await flow_runs.client.read_flow_run(run_id)
    assert run.next_scheduled_start_time is not None
    assert run.next_scheduled_start_time <= datetime.now(UTC)
    await flow_runs.work(run_id)
    assert mail.taken() == sorted(PEOPLE), "each exactly once"
    row = await environment.execution()
    assert (row.status, row.held_by) == (ExecutionState.SUCCESS, None)


async def test_a_first_pass_waits_before_it_renders(environment: Environment, button: Button) -> None:
    schedule = await environment.create()
    await button.stop(StopScope.REPORT, "orders")
    outcome = await environment.run_pass(schedule, await environment.request(schedule), run_id=(run_id := new_id()))
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.reason.code) == (ExecutionState.PENDING, ReasonCode.STOPPED)
    assert outcome.retry_at is not None
    row = await environment.execution()
    assert (row.pass_count, row.started_at) == (0, None)
    async with environment.database.session() as session:
        assert (await session.scalars(select(Rendering))).all() == []
    await button.resume()
    assert await _released(environment) == [row.id]
    await environment.run_pass(schedule, row, run_id=run_id)
    assert environment.mail.taken() == [ADA, BOB]


@pytest.mark.parametrize("target", ["other", "smtp"])
async def test_a_stop_of_one_connection_leaves_the_others_alone(
    environment: Environment, button: Button, target: str
) -> None:
    schedule = await environment.create(destinations=[MAIL, FOLDER])
    await button.stop(StopScope.CONNECTION, target)
    run_id = new_id()
    outcome = await environment.run_pass(schedule, await environment.request(schedule), run_id=run_id)
    assert isinstance(outcome, Outcome)
    states = {row.connection: row.status for row in (await environment.deliveries()).values()}
    assert states["shared"] is DeliveryState.DELIVERED
    if target == "other":
        assert outcome.state is ExecutionState.SUCCESS
        return
    assert (outcome.state, states["smtp"]) == (ExecutionState.RETRYING, DeliveryState.PENDING)
    again = await environment.run_pass(schedule, await environment.execution(), run_id=run_id)
    assert isinstance(again, Outcome)
    assert again.reason.code == ReasonCode.STOPPED
    assert (await environment.execution()).pass_count == 1, "all that is left is held: no pass begins"
    await button.resume()
    await environment.run_pass(schedule, await environment.execution(), run_id=run_id)
    assert environment.mail.taken() == [ADA, BOB]
    assert (await environment.execution()).status is ExecutionState.SUCCESS


async def test_nothing_begins_through_a_channel_that_does_not_look_again(
    environment: Environment, button: Button, tmp_path: Path
) -> None:
    """A folder takes its file at once, so that the question when the attempt begins is the only one."""
    schedule = await environment.create(destinations=[MAIL, FOLDER])
    stop = await button.stop(StopScope.CONNECTION, "shared")
    run_id = new_id()
    outcome = await environment.run_pass(schedule, await environment.request(schedule), run_id=run_id)
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.held_by) == (ExecutionState.RETRYING, stop.id)
    assert environment.mail.taken() == [ADA, BOB]
    assert [one for one in (tmp_path / "shared").rglob("*") if one.is_file()] == []
    await button.resume()
    await environment.run_pass(schedule, await environment.execution(), run_id=run_id)
    assert len([one for one in (tmp_path / "shared").rglob("*") if one.is_file()]) == 1
    assert environment.mail.taken() == [ADA, BOB]


@pytest.mark.parametrize(("scope", "target"), [(StopScope.SCHEDULE, "another"), (StopScope.REPORT, "another")])
async def test_a_stop_of_something_else_holds_nothing(
    environment: Environment, button: Button, scope: StopScope, target: str
) -> None:
    await button.stop(scope, target)
    schedule = await environment.create()
    await environment.run_pass(schedule, await environment.request(schedule))
    assert environment.mail.taken() == [ADA, BOB]


async def test_a_retry_waits_and_counts_nothing_meanwhile(environment: Environment, button: Button) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies[BOB] = "451 later"
    await environment.run_pass(schedule, execution, run_id=run_id)
    await environment.due_now()
    stop = await button.stop(StopScope.SCHEDULE, schedule.id)
    for _ in range(3):
        outcome = await environment.run_pass(schedule, execution, run_id=run_id)
        assert isinstance(outcome, Outcome)
        assert (outcome.state, outcome.held_by) == (ExecutionState.RETRYING, stop.id)
    row = await environment.execution()
    assert (row.pass_count, row.crash_count, row.error_count) == (1, 0, 0)
    assert (await environment.deliveries())[BOB].attempts == 1
    environment.mail.replies.clear()
    await button.resume()
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == [ADA, BOB]


async def test_what_a_person_asked_for_again_is_kept_through_a_stop(environment: Environment, button: Button) -> None:
    """Six were refused for good. The stop comes before the asked pass begins, and again in the middle of it.

    Four attempts are under way then, and two have not begun: none of the six may be forgotten.
    """
    people = PEOPLE[:6]
    schedule = await environment.create(destinations=[{**MAIL, "to": people}])
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.rcpt_reply = "550 no such user"
    await environment.run_pass(schedule, execution, run_id=run_id)
    async with environment.database.session() as session:
        row = await session.get_one(Execution, execution.id)
        row.retry_requested_at = datetime.now(UTC)
    await button.stop()
    outcome = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.reason.code) == (ExecutionState.FAILED, ReasonCode.STOPPED)
    await button.resume()
    assert await _released(environment) == [execution.id]

    begun, go_on = 0, asyncio.Event()

    async def slow() -> None:
        nonlocal begun
        begun += 1
        await go_on.wait()

    environment.mail.before_rcpt = slow
    environment.mail.rcpt_reply = None
    work = asyncio.create_task(environment.run_pass(schedule, execution, run_id=run_id))
    await eventually(lambda: begun == 4)
    await button.stop()
    go_on.set()
    await work
    assert environment.mail.taken() == []
    states = {(one.status, one.attempts) for one in (await environment.deliveries()).values()}
    assert states == {(DeliveryState.FAILED, 1)}
    await button.resume()
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == people
    assert (await environment.execution()).status is ExecutionState.SUCCESS


async def test_an_occurrence_that_waits_too_long_is_missed_for_the_stop(
    environment: Environment, button: Button
) -> None:
    """By its own run, or by the watchdog, whichever comes first."""
    due = environment.now().replace(second=0, microsecond=0)
    timing = {"frequency": "daily", "at": f"{due:%H:%M}", "timezone": "UTC"}
    ids = []
    await button.stop()
    for _ in range(2):
        schedule = await environment.create(ago=timedelta(hours=1), timing=timing)
        await environment.run_pass(schedule, at=due, run_id=(run_id := new_id()))
        ids.append((schedule, run_id))
    late = due + timedelta(hours=4, seconds=2)
    schedule, run_id = ids[0]
    ended = await environment.run_pass(schedule, at=due, run_id=run_id, now=late)
    assert isinstance(ended, Outcome)
    assert (ended.state, ended.reason.code) == (ExecutionState.MISSED, ReasonCode.EXPIRED_STOPPED)
    await watchdog.look(environment.database, now=late)
    async with environment.database.session() as session:
        rows = (await session.scalars(select(Execution))).all()
    assert {(row.status, row.reason_code) for row in rows} == {(ExecutionState.MISSED, "expired_stopped")}
    await button.resume()
    assert await _released(environment) == []


async def test_a_retry_that_waits_too_long_ends_and_does_not_count_as_a_failure(
    environment: Environment, button: Button
) -> None:
    due = environment.now().replace(second=0, microsecond=0)
    timing = {"frequency": "daily", "at": f"{due:%H:%M}", "timezone": "UTC"}
    schedule = await environment.create(ago=timedelta(hours=1), timing=timing)
    environment.mail.replies[BOB] = "451 later"
    await environment.run_pass(schedule, at=due, run_id=(run_id := new_id()))
    await button.stop()
    outcome = await environment.run_pass(schedule, at=due, run_id=run_id, now=due + timedelta(hours=4, seconds=2))
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.reason.code) == (ExecutionState.PARTIAL, ReasonCode.EXPIRED_STOPPED)
    assert (await environment.row(schedule)).consecutive_failures == 0
    async with environment.database.session() as session:
        (notice,) = (await session.scalars(select(Notification))).all()
    assert BOB in notice.body
    assert (await environment.deliveries())[BOB].next_attempt_at is None


async def test_what_came_in_time_and_was_held_is_not_too_late_to_catch_up(
    environment: Environment, button: Button
) -> None:
    due = environment.now().replace(second=0, microsecond=0)
    timing = {"frequency": "daily", "at": f"{due:%H:%M}", "timezone": "UTC"}
    schedule = await environment.create(ago=timedelta(hours=1), timing=timing, policy={"catchup": "none"})
    await button.stop()
    await environment.run_pass(schedule, at=due, run_id=(run_id := new_id()))
    await button.resume()
    await environment.run_pass(schedule, at=due, run_id=run_id, now=due + timedelta(hours=2))
    assert environment.mail.taken() == [ADA, BOB]


async def test_a_test_waits_as_well(environment: Environment, button: Button) -> None:
    schedule = await environment.create()
    await button.stop(StopScope.CONNECTION, "smtp")
    execution = await environment.request(schedule, ExecutionKind.TEST)
    outcome = await environment.run_pass(schedule, execution)
    assert isinstance(outcome, Outcome)
    assert outcome.reason.code == ReasonCode.STOPPED
    assert environment.mail.taken() == []
