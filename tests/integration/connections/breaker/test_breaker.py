"""A connection that fails opens its breaker; what waits costs nothing, a few try it, and everything goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mailroom.connections import service as connections
from mailroom.connections.breaker import service as breaker
from mailroom.connections.spec import ConnectionSettings
from mailroom.executions.reasons import ReasonCode
from mailroom.states import BreakerState, DeliveryState, ExecutionState
from mailroom.stops.spec import StopCause
from mailroom.storage.database import new_id
from mailroom.storage.tables import AuditEvent, Notification
from prefect_mailroom.errors import ConfigurationError, Gone, OutcomeUnknown, Refused, RetryLater
from prefect_mailroom.testing import Answer
from tests.integration.connections.breaker.conftest import NAME
from tests.integration.promises.clock import Clock
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from mailroom.storage.tables import Execution, Schedule
    from tests.integration.connections.breaker.conftest import Line
    from tests.support.environment import Environment

on_both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
DOWN = RetryLater("The far side is down.")


async def _held(line: Line, people: int = 1, *, folder: bool = False) -> tuple[Schedule, Execution, str]:
    """Return a schedule with an execution that waits for the connection, and its flow run."""
    schedule, run_id = await line.schedule(people, folder=folder), new_id()
    execution = await line.environment.request(schedule)
    result = await line.work(schedule, execution, run_id)
    assert result.state is ExecutionState.RETRYING
    assert result.reason.code in (ReasonCode.CONNECTION_DOWN, ReasonCode.CONNECTION_DISABLED), result.reason
    return schedule, execution, run_id


@on_both
async def test_it_opens_and_others_wait_without_an_attempt_while_other_connections_deliver(line: Line) -> None:
    await line.make()
    line.recorder.answer_always(DOWN)
    schedule = await line.schedule(20, folder=True)
    execution = await line.environment.request(schedule)
    result = await line.work(schedule, execution)
    health = await line.health()
    assert health is not None
    assert (health.state, health.trips) == (BreakerState.OPEN, 1)
    assert [one.cause for one in await line.stops()] == [StopCause.BREAKER]
    tried = len(line.recorder.parcels)
    assert 10 <= tried < 14, "those that were under way end, and no more begin"
    assert (result.state, result.reason.code) == (ExecutionState.RETRYING, ReasonCode.CONNECTION_DOWN)

    _, second, _ = await _held(line, folder=True)
    assert len(line.recorder.parcels) == tried
    (waits,), (other,) = await line.deliveries(second.id), await line.deliveries(second.id, "shared")
    assert (waits.status, waits.attempts) == (DeliveryState.PENDING, 0)
    assert other.status is DeliveryState.DELIVERED


@on_both
async def test_one_tries_it_then_a_few_then_everybody(line: Line) -> None:
    await line.make(max_sessions=20)
    await line.open(DOWN)
    waiting = [await _held(line) for _ in range(3)]
    many = await _held(line, people=9)
    assert await line.to_try() == []
    assert len(await line.to_try(timedelta(seconds=31))) == 1, "one is woken and not all"

    await line.set_health(probe_at=line.environment.now())
    assert (await line.work(*waiting[0])).state is ExecutionState.SUCCESS
    health = await line.health()
    assert health is not None
    assert (health.state, health.succeeded) == (BreakerState.HALF_OPEN, 1)
    assert await line.released() == []
    assert 0 < len(await line.to_try()) <= 4

    before, go_on = len(line.recorder.parcels), asyncio.Event()
    line.recorder.answer_always(Answer(takes=True, first=lambda _parcel: go_on.wait()))
    work = asyncio.create_task(line.work(*many))
    await eventually(lambda: len(line.recorder.parcels) >= before + 4)
    await asyncio.sleep(0.3)  # So long a fifth would have the chance to begin.
    assert len(line.recorder.parcels) == before + 4
    go_on.set()
    assert (await work).state in (ExecutionState.RETRYING, ExecutionState.SUCCESS)
    health = await line.health()
    assert health is not None
    assert (health.state, health.trips, health.stop_id) == (BreakerState.CLOSED, 0, None)
    assert await line.stops() == []
    assert {one[1].id for one in waiting[1:]} <= set(await line.released())
    for one in (many, *waiting[1:]):
        if (await line.attempts(one[1].id)) == 0 or one is many:
            await line.environment.run_pass(one[0], one[1], run_id=one[2])
    assert len(line.recorder.taken) == len(line.recorder.receipts) == 12, "each exactly once"


async def test_a_trial_that_fails_is_another_trip_and_costs_one_attempt(line: Line) -> None:
    await line.make()
    await line.open(DOWN)
    tried = len(line.recorder.parcels)
    held = await _held(line, people=6)
    await line.set_health(probe_at=line.environment.now())
    line.recorder.answer_always(OutcomeUnknown("No answer."))
    await line.work(*held)
    assert len(line.recorder.parcels) == tried + 1
    health = await line.health()
    assert health is not None
    assert health.probe_at is not None
    assert (health.state, health.trips) == (BreakerState.OPEN, 2)
    assert timedelta(seconds=55) < health.probe_at - line.environment.now() <= timedelta(seconds=60)
    assert [row.attempts for row in await line.deliveries(held[1].id)].count(0) == 5
    assert len(await line.stops()) == 1, "one incident"


async def test_the_tenth_trip_disables_it_with_one_notice_and_a_person_enables_it(line: Line) -> None:
    await line.make()
    await line.open(ConfigurationError("The login was refused."))
    held = await _held(line)
    await line.set_health(probe_at=line.environment.now(), trips=9)
    line.recorder.answer_always(DOWN)
    await line.work(*held)
    health = await line.health()
    assert health is not None
    assert (health.state, health.trips) == (BreakerState.DISABLED, 10)
    assert [one.cause for one in await line.stops()] == [StopCause.DISABLED]
    other = await _held(line)
    assert await line.to_try(timedelta(days=1)) == []
    told = [row for row in await _told(line.environment) if NAME in row.title]
    assert [row.user_id for row in told] == [line.environment.owner.id], "one, for the owner, who is an admin as well"

    line.recorder.answer_always(None)
    context = line.environment.context()
    await line.environment.database.transact(lambda session: breaker.enable(session, NAME, context))
    assert await line.stops() == []
    assert other[1].id in await line.released()
    await line.environment.due_now()
    for one in (other, held):
        assert (await line.work(*one)).state is ExecutionState.SUCCESS
    line.recorder.answer_next(DOWN)
    await line.work(await line.schedule(1))
    health = await line.health()
    assert health is not None
    assert health.state is BreakerState.CLOSED, "what was before does not count any more"
    actions = [(row.action, row.actor) for row in await _audited(line.environment)]
    assert actions == [("disabled", "mailroom"), ("enabled", line.environment.owner.email)]


async def test_gone_disables_at_once_and_other_settings_enable(line: Line) -> None:
    await line.make()
    line.recorder.answer_next(Gone("410 Gone."))
    result = await line.work(await line.schedule(1))
    assert result.state is ExecutionState.FAILED
    held = await _held(line)
    health = await line.health()
    assert health is not None
    assert (health.state, "410" in health.reason) == (BreakerState.DISABLED, True)
    wanted = ConnectionSettings(kind="recording", settings={"shared_as": line.recorder_name})
    await connections.replace(line.environment.database, NAME, wanted, line.environment.context())
    assert await line.stops() == []
    assert (await line.work(*held)).state is ExecutionState.SUCCESS


async def test_refused_recipients_open_nothing(line: Line) -> None:
    await line.make()
    await line.open(Refused("No such user."))
    assert await line.health() is None
    assert (await line.work(await line.schedule(1))).state is ExecutionState.SUCCESS


async def test_what_waits_until_it_expires_fails_and_is_not_the_schedules_fault(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(line.environment.now())
    clock.rule(monkeypatch)
    await line.make()
    line.recorder.answer_next(Gone("410 Gone."))
    await line.work(await line.schedule(1))
    schedule, execution, run_id = await _held(line, people=2)
    clock.advance(timedelta(hours=4, minutes=5))  # The hours count from when it was asked for, by the real clock.
    result = await line.work(schedule, execution, run_id)
    assert (result.state, result.reason.code) == (ExecutionState.FAILED, ReasonCode.EXPIRED_DISABLED)
    assert (await line.environment.row(schedule)).consecutive_failures == 0
    assert any("p00, p01" in row.body for row in await _told(line.environment))


async def test_a_person_who_asks_again_waits_as_well(line: Line) -> None:
    """A refused delivery is tried again only since a person asked; the breaker must not make that be forgotten."""
    await line.make()
    line.recorder.answer_next(Refused("Not today."))
    schedule, run_id = await line.schedule(1), new_id()
    execution = await line.environment.request(schedule)
    assert (await line.work(schedule, execution, run_id)).state is ExecutionState.FAILED
    await line.open(DOWN)
    tried = len(line.recorder.parcels)
    result = await line.work(schedule, execution, run_id)
    assert result.reason.code is ReasonCode.CONNECTION_DOWN
    assert len(line.recorder.parcels) == tried
    context = line.environment.context()
    await line.environment.database.transact(lambda session: breaker.enable(session, NAME, context))
    assert (await line.work(schedule, execution, run_id)).state is ExecutionState.SUCCESS


async def _told(environment: Environment) -> list[Notification]:
    async with environment.database.session() as session:
        return list(await session.scalars(select(Notification)))


async def _audited(environment: Environment) -> list[AuditEvent]:
    wanted = (AuditEvent.entity_id == NAME, AuditEvent.action.in_(["disabled", "enabled"]))
    async with environment.database.session() as session:
        return list(await session.scalars(select(AuditEvent).where(*wanted).order_by(AuditEvent.at)))
