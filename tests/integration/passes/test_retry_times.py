"""When deliveries are tried again, and when they are not any more; the time is travelled, nobody waits for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mailroom.connections import service as connections
from mailroom.connections.spec import ConnectionSettings
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.outcome import Outcome
from mailroom.rendering import client
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution, Notification, Schedule
from tests.integration.promises.clock import Clock
from tests.support.smtp import smtp_settings

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"
DUE = datetime(2026, 11, 23, 9, tzinfo=UTC)
FOUR_HOURS = timedelta(hours=4)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(DUE)
    clock.rule(monkeypatch)
    return clock


class Occurrence:
    """The work on one due time, pass by pass, at the times that each pass asks for."""

    def __init__(self, environment: Environment, clock: Clock, schedule: Schedule) -> None:
        self.environment, self.clock, self.schedule, self.run_id = environment, clock, schedule, new_id()

    async def run_pass(self, *, after: timedelta = timedelta()) -> Outcome:
        self.clock.advance(after)
        result = await self.environment.run_pass(self.schedule, at=DUE, run_id=self.run_id, now=self.clock.now)
        assert isinstance(result, Outcome)
        return result

    async def until_it_ends(self) -> Outcome:
        result = await self.run_pass()
        while result.retry_at:
            result = await self.run_pass(after=result.retry_at - self.clock.now)
        return result

    async def waits(self, recipient: str) -> list[float]:
        """Return the seconds between the tries for this recipient."""
        delivery = (await self.environment.deliveries())[recipient]
        begins = [one.started_at for one in await self.environment.attempts() if one.delivery_id == delivery.id]
        return [(later - earlier).total_seconds() for earlier, later in pairwise(begins)]


async def _occurrence(environment: Environment, clock: Clock, **policy: Any) -> Occurrence:
    schedule = await environment.create(now=DUE - timedelta(hours=1), policy=policy)
    return Occurrence(environment, clock, schedule)


async def _retries(environment: Environment, retries: dict[str, Any]) -> None:
    """Give the mail connection these delays."""
    wanted = ConnectionSettings(kind="email", settings={**smtp_settings(environment.mail.port), "retries": retries})
    await connections.replace(environment.database, "smtp", wanted, environment.context())


async def _told(environment: Environment) -> Notification:
    async with environment.database.session() as session:
        return (await session.scalars(select(Notification))).one()


def _follow(waits: list[float], delays: list[int]) -> bool:
    """Tell whether each wait is its delay, with at most the documented jitter."""
    return len(waits) == len(delays) and all(
        delay <= wait <= delay + min(delay * 0.2, 300) + 5 for wait, delay in zip(waits, delays, strict=True)
    )


async def test_tries_follow_the_standard_delays_until_the_run_expires(environment: Environment, clock: Clock) -> None:
    occurrence = await _occurrence(environment, clock)
    environment.mail.replies = dict.fromkeys([ADA, BOB], "451 4.3.0 Try again later")
    result = await occurrence.until_it_ends()
    assert (result.state, result.reason.code) == (ExecutionState.FAILED, ReasonCode.DELIVERY_EXPIRED)
    assert result.reason.values["limit"] == FOUR_HOURS.total_seconds()
    waits = await occurrence.waits(ADA)
    assert _follow(waits, [30, 300, 1800, 7200]), waits
    assert max(one.started_at for one in await environment.attempts()) <= DUE + FOUR_HOURS
    assert {row.next_attempt_at for row in (await environment.deliveries()).values()} == {None}
    told = await _told(environment)
    assert all(told.body.count(address) == 1 for address in (ADA, BOB))
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.FAILED, ReasonCode.DELIVERY_EXPIRED)
    assert all(address in row.reason for address in (ADA, BOB))


async def test_after_the_standard_delays_every_two_hours_follow(environment: Environment, clock: Clock) -> None:
    occurrence = await _occurrence(environment, clock, expires_after="P1D")
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    result = await occurrence.until_it_ends()
    assert (result.state, result.reason.code) == (ExecutionState.PARTIAL, ReasonCode.DELIVERY_EXPIRED)
    waits = await occurrence.waits(BOB)
    assert _follow(waits, [30, 300, 1800, *[7200] * (len(waits) - 3)]), waits
    assert timedelta(hours=21) < timedelta(seconds=sum(waits)) <= timedelta(hours=24)


async def test_a_connection_can_say_three_times_300_seconds(environment: Environment, clock: Clock) -> None:
    await _retries(environment, {"delays": [300, 300, 300]})
    occurrence = await _occurrence(environment, clock)
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    result = await occurrence.until_it_ends()
    assert (result.state, result.reason.code) == (ExecutionState.PARTIAL, ReasonCode.NOT_ALL_DELIVERED)
    waits = await occurrence.waits(BOB)
    assert _follow(waits, [300, 300, 300]), waits
    told = await _told(environment)
    assert BOB in told.body
    assert ADA not in told.body


async def test_a_schedule_can_allow_fewer_tries_than_its_connection(environment: Environment, clock: Clock) -> None:
    occurrence = await _occurrence(environment, clock, max_attempts=2)
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    result = await occurrence.until_it_ends()
    assert result.reason.code is ReasonCode.NOT_ALL_DELIVERED
    assert _follow(await occurrence.waits(BOB), [30])


async def test_a_pass_that_comes_after_the_expiry_tries_nothing_again(environment: Environment, clock: Clock) -> None:
    occurrence = await _occurrence(environment, clock)
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    assert (await occurrence.run_pass()).state is ExecutionState.RETRYING
    environment.mail.replies.clear()
    result = await occurrence.run_pass(after=FOUR_HOURS + timedelta(seconds=1))
    assert (result.state, result.reason.code) == (ExecutionState.PARTIAL, ReasonCode.DELIVERY_EXPIRED)
    assert environment.mail.taken() == [ADA]
    bob = (await environment.deliveries())[BOB]
    assert (bob.status, bob.attempts, bob.next_attempt_at) == (DeliveryState.FAILED, 1, None)
    assert "451" in (bob.error_message or ""), "what the far side said is kept"
    assert BOB in (await _told(environment)).body


async def test_a_try_that_broke_off_is_not_made_again_after_the_expiry(environment: Environment, clock: Clock) -> None:
    occurrence = await _occurrence(environment, clock)
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    await occurrence.run_pass()
    async with environment.database.session() as session:  # The process dies in the middle of the next attempt.
        row = await session.merge((await environment.deliveries())[BOB])
        row.status, row.next_attempt_at = DeliveryState.SENDING, None
    result = await occurrence.run_pass(after=FOUR_HOURS + timedelta(seconds=1))
    assert (result.state, result.reason.code) == (ExecutionState.PARTIAL, ReasonCode.DELIVERY_EXPIRED)
    assert (await environment.deliveries())[BOB].status is DeliveryState.UNKNOWN
    assert environment.mail.taken() == [ADA]


async def test_a_far_side_that_asks_for_longer_than_is_left_is_not_tried_again(
    environment: Environment, clock: Clock
) -> None:
    await _retries(environment, {"delays": [18_000]})
    occurrence = await _occurrence(environment, clock)
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    result = await occurrence.run_pass()
    assert (result.state, result.reason.code) == (ExecutionState.PARTIAL, ReasonCode.DELIVERY_EXPIRED)


async def test_a_person_gives_an_expired_execution_new_time(environment: Environment, clock: Clock) -> None:
    occurrence = await _occurrence(environment, clock)
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    await occurrence.run_pass()
    await occurrence.run_pass(after=timedelta(hours=5))
    # Retry in Prefect's own pages, of which nothing is known before it begins.
    result = await occurrence.run_pass(after=timedelta(days=1))
    assert result.state is ExecutionState.RETRYING
    assert result.retry_at
    environment.mail.replies.clear()
    result = await occurrence.run_pass(after=result.retry_at - clock.now)
    assert result.state is ExecutionState.SUCCESS
    row = await environment.execution()
    assert row.reason_values == {"delivered": 2, "total": 2}


async def test_a_backfill_of_a_past_day_has_its_time_from_when_it_begins(
    environment: Environment, clock: Clock
) -> None:
    schedule = await environment.create(now=DUE - timedelta(hours=1))
    execution = await environment.request(schedule)
    async with environment.database.session() as session:
        row = await session.get(Execution, execution.id)
        assert row is not None
        row.kind, row.due_at, row.created_at = ExecutionKind.BACKFILL, DUE - timedelta(days=30), DUE
    environment.mail.replies[BOB] = "451 4.3.0 Try again later"
    result = await environment.run_pass(schedule, execution, run_id=new_id(), now=clock.now)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.RETRYING


async def test_rendering_is_tried_again_until_the_run_expires(
    environment: Environment, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RESTART_SECONDS", 0)
    there = environment.settings
    environment.settings = there.model_copy(update={"renderers_socket": there.data_dir / "nobody.sock"})
    occurrence = await _occurrence(environment, clock)
    result = await occurrence.until_it_ends()
    assert (result.state, result.reason.code) == (ExecutionState.FAILED, ReasonCode.RENDER_EXPIRED)
    assert DUE + timedelta(hours=2) < clock.now <= DUE + FOUR_HOURS
    told = await _told(environment)
    assert all(address in told.body for address in (ADA, BOB))
