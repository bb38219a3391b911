"""`overlap: cancel_other` against a flow that runs: the warm worker ends its process, and the later one delivers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from sqlalchemy import select

from deployments.reconcile import Reconciler
from mailroom.executions import repository as executions
from mailroom.settings import CHECKOUT
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Attempt, Schedule
from prefect_mailroom import outbound
from tests.integration.worker.conftest import Workshop

if TYPE_CHECKING:
    from tests.integration.passes.conftest import Desk


@pytest.fixture
async def shop(desk: Desk) -> AsyncIterator[Workshop]:
    """A warm worker that works for the desk."""
    folder = desk.settings.data_dir.parent
    async with PrefectClient(desk.settings.prefect_api) as client:
        shop = Workshop(desk.settings.prefect_api, folder)
        shop.client = client
        await shop.open()
        desk.settings = desk.settings.model_copy(update={"work_pool": shop.pool, "sync_wait_seconds": 20})
        shop.start(
            environment={
                "MAILROOM_DATA_DIR": str(desk.settings.data_dir),
                "MAILROOM_DATABASE_URL": f"sqlite:///{folder / 'mailroom.db'}",
                "MAILROOM_PREFECT_API_URL": desk.settings.prefect_api,
                "PYTHONPATH": str(CHECKOUT),
                outbound.VARIABLE: "127.0.0.1",
            }
        )
        try:
            yield shop
        finally:
            await shop.close()


async def _fire(desk: Desk, schedule: Schedule, due: datetime) -> tuple[str, UUID]:
    """An occurrence, handed to Prefect as one that the scheduler lost; the ids of its execution and its run."""
    async with desk.database.session() as session:
        row = await executions.insert_occurrence(session, schedule.id, due, flow_run_id=None, now=datetime.now(UTC))
    reconciler = Reconciler(desk.database, desk.settings)
    try:
        await reconciler.settle_execution(row.id)
    finally:
        await reconciler.close()
    async with desk.database.session() as session:
        run_id = (await executions.get(session, row.id)).flow_run_id
    assert run_id
    return row.id, UUID(run_id)


async def test_the_process_of_the_earlier_one_is_ended(desk: Desk, shop: Workshop) -> None:
    policy = {"overlap": "cancel_other", "catchup": "none"}
    mail = {"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}
    schedule = await desk.schedule(policy=policy, destinations=[mail])
    arrived, answer = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        arrived.set()
        await answer.wait()

    desk.mailbox.before = hold
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    first, first_run = await _fire(desk, schedule, now - timedelta(minutes=2))
    await asyncio.wait_for(arrived.wait(), 60)
    desk.mailbox.before = None
    second, second_run = await _fire(desk, schedule, now - timedelta(minutes=1))
    state = (await shop.until(first_run)).state
    assert state is not None
    assert state.type is StateType.CANCELLED
    assert (await shop.until(second_run)).state_type is StateType.COMPLETED
    async with desk.database.session() as session:
        earlier, later = await executions.get(session, first), await executions.get(session, second)
        (unknown,) = await executions.deliveries_of(session, [first])
        (delivered,) = await executions.deliveries_of(session, [second])
        tries = (await session.scalars(select(Attempt.outcome).where(Attempt.delivery_id == unknown.id))).all()
    assert (earlier.status, earlier.superseded_by) == (ExecutionState.CANCELLED, second)
    assert (unknown.status, tries) == (DeliveryState.UNKNOWN, [DeliveryState.UNKNOWN])
    assert (later.status, delivered.status) == (ExecutionState.SUCCESS, DeliveryState.DELIVERED)
    ids = [str(message["Message-ID"]) for _, message in desk.mailbox.mails]
    assert len(ids) == 1, "the earlier one's mail hangs in the far side, and its process no longer asks for an answer"
    answer.set()
