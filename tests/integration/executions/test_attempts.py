"""Attempts of a delivery that others change at the same moment."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from mailroom.executions import delivery_lifecycle
from mailroom.executions import repository as executions
from mailroom.executions.fence import PassLost, hold_for
from mailroom.passes.supersede import supersede
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Delivery, Execution, Schedule
from tests.integration.conftest import NOW
from tests.support.gates import held_before, opened_by


@pytest.fixture
async def delivery(ledger: Database, schedule: Schedule) -> Delivery:
    """The one delivery of an execution under way."""
    execution = Execution(
        id=new_id(),
        schedule_id=schedule.id,
        due_at=NOW,
        status=ExecutionState.RUNNING,
        lease_until=NOW + timedelta(minutes=1),
        flow_run_id=new_id(),
        created_at=NOW,
    )
    planned = Delivery(
        id=new_id(),
        execution_id=execution.id,
        position=0,
        channel="email",
        connection="smtp",
        recipient="ada@example.com",
        key="key-1",
        destination={},
        status=DeliveryState.PENDING,
        attempts=0,
        created_at=NOW,
    )
    async with ledger.session() as session:
        session.add(execution)
        await session.flush()
        session.add(planned)
    return planned


async def test_a_pass_that_read_the_delivery_before_another_attempt_begins_none(
    ledger: Database, delivery: Delivery
) -> None:
    """The delivery is open again, so its state alone does not tell that somebody else has tried it since."""
    async with ledger.session() as session:
        attempt = await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=None)
    assert attempt is not None
    async with ledger.session() as session:
        await delivery_lifecycle.end_attempt(session, attempt, now=NOW, outcome=DeliveryState.FAILED)
    assert delivery.attempts == 0, "as the slower pass has read it"
    async with ledger.session() as session:
        assert await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=None) is None
        row = await session.get(Delivery, delivery.id)
    assert row is not None
    assert (row.status, row.attempts) == (DeliveryState.FAILED, 1)


@pytest.mark.parametrize("ledger", ["postgres"], indirect=True)
async def test_a_receipt_can_arrive_while_a_later_run_takes_the_place(
    ledger: Database, schedule: Schedule, delivery: Delivery
) -> None:
    """The receipt stands between its two statements until the other one is about to write the attempts."""
    async with ledger.session() as session:
        attempt = await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=None)
        later = Execution(id=new_id(), schedule_id=schedule.id, due_at=NOW + timedelta(hours=1), created_at=NOW)
        later.status = ExecutionState.PENDING
        session.add(later)
    assert attempt is not None

    async def receipt() -> None:
        async with ledger.session() as session:
            confirmed = DeliveryState.DELIVERED
            await delivery_lifecycle.end_attempt(
                session, attempt, now=NOW, outcome=confirmed, receipt={"reference": "250"}
            )

    async def take_the_place() -> None:
        async with ledger.session() as session:
            await supersede(session, delivery.execution_id, by=later, schedule=schedule, now=NOW)

    # Whichever table it writes first: it is held before the second.
    with (
        held_before(ledger, "UPDATE deliveries SET .*receipt") as gate,
        opened_by(ledger, gate, "UPDATE attempts"),
    ):
        confirming = asyncio.ensure_future(receipt())
        await gate.until_reached()
        ended = await asyncio.gather(confirming, take_the_place(), return_exceptions=True)
    assert [error for error in ended if error] == []
    async with ledger.session() as session:
        row = await session.get(Delivery, delivery.id)
    assert row is not None
    assert row.status is DeliveryState.DELIVERED, "the receipt was in hand before the other one ended it"


async def test_no_attempt_begins_where_any_attempt_is_confirmed(ledger: Database, delivery: Delivery) -> None:
    """An earlier version could leave such a row; a later pass sets it right."""
    async with ledger.session() as session:
        attempt = await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=None)
    assert attempt is not None
    async with ledger.session() as session:
        await delivery_lifecycle.end_attempt(session, attempt, now=NOW, outcome=DeliveryState.DELIVERED)
        await session.execute(update(Delivery).values(status=DeliveryState.FAILED, next_attempt_at=NOW))
    async with ledger.session() as session:
        row = await session.get(Delivery, delivery.id)
        assert row is not None
        assert await delivery_lifecycle.begin_attempt(session, row, now=NOW, flow_run_id=None, forced=True) is None
    async with ledger.session() as session:
        assert await delivery_lifecycle.abandon_attempts(session, delivery.execution_id, now=NOW) == 0
    async with ledger.session() as session:
        row = await session.get(Delivery, delivery.id)
    assert row is not None
    assert (row.status, row.delivered_at, row.next_attempt_at) == (DeliveryState.DELIVERED, NOW, None)


async def test_a_pass_that_was_followed_begins_no_attempt_and_holds_nothing(
    ledger: Database, delivery: Delivery
) -> None:
    async with ledger.session() as session:
        await session.execute(update(Execution).values(pass_count=2))
    for number, mine in ((1, False), (2, True)):
        async with ledger.session() as session:
            attempt = await delivery_lifecycle.begin_attempt(
                session, delivery, now=NOW, flow_run_id=None, pass_number=number
            )
            assert (attempt is not None) is mine
            assert await executions.set_lease(session, delivery.execution_id, number, NOW) is mine
    async with ledger.session() as session:
        with pytest.raises(PassLost):
            await hold_for(session, delivery.execution_id, 1)


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.REFUSED, DeliveryState.SUPPRESSED])
async def test_the_plan_begins_no_attempt_of_what_is_under_way_or_not_to_be_sent(
    ledger: Database, delivery: Delivery, state: DeliveryState
) -> None:
    async with ledger.session() as session:
        await session.execute(update(Delivery).values(status=state))
    async with ledger.session() as session:
        row = await session.get(Delivery, delivery.id)
        assert row is not None
        assert await delivery_lifecycle.begin_attempt(session, row, now=NOW, flow_run_id=None) is None


async def test_a_failure_that_comes_late_changes_nothing(ledger: Database, delivery: Delivery) -> None:
    """Attempt 2 has been refused for good when attempt 1, of a pass that slept, says that it may be tried again."""
    async with ledger.session() as session:
        first = await delivery_lifecycle.begin_attempt(session, delivery, now=NOW, flow_run_id=None)
        await delivery_lifecycle.abandon_attempts(session, delivery.execution_id, now=NOW)
    async with ledger.session() as session:
        row = await session.get(Delivery, delivery.id)
        assert row is not None
        second = await delivery_lifecycle.begin_attempt(session, row, now=NOW, flow_run_id=None)
    assert first is not None
    assert second is not None
    async with ledger.session() as session:
        failed = DeliveryState.FAILED
        await delivery_lifecycle.end_attempt(session, first, now=NOW, outcome=failed, next_attempt_at=NOW)
    async with ledger.session() as session:
        row = await session.get(Delivery, delivery.id)
    assert row is not None
    assert (row.status, row.next_attempt_at) == (DeliveryState.SENDING, None), "attempt 2 is under way"
