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
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import lifecycle
from mailroom.executions import repository as executions
from mailroom.settings import CHECKOUT
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Attempt, Schedule
from prefect_mailroom import outbound
from tests.support.work_pool import WorkPool

if TYPE_CHECKING:
    from tests.support.environment import Environment


@pytest.fixture
async def shared_pool(environment: Environment) -> AsyncIterator[WorkPool]:
    """Start a warm worker that works for the environment."""
    folder = environment.settings.data_dir.parent
    async with PrefectClient(environment.settings.prefect_api) as client:
        shared_pool = WorkPool(environment.settings.prefect_api, folder)
        shared_pool.client = client
        await shared_pool.open()
        environment.settings = environment.settings.model_copy(
            update={"work_pool": shared_pool.pool, "sync_wait_seconds": 20}
        )
        shared_pool.start(
            environment={
                "MAILROOM_DATA_DIR": str(environment.settings.data_dir),
                "MAILROOM_DATABASE_URL": f"sqlite:///{folder / 'mailroom.db'}",
                "MAILROOM_PREFECT_API_URL": environment.settings.prefect_api,
                "PYTHONPATH": str(CHECKOUT),
                outbound.VARIABLE: "127.0.0.1",
            }
        )
        try:
            yield shared_pool
        finally:
            await shared_pool.close()


async def _fire(environment: Environment, schedule: Schedule, due: datetime) -> tuple[str, UUID]:
    """Hand an occurrence to Prefect as one that its scheduler lost; returns the ids of its execution and its run."""
    async with environment.database.session() as session:
        row = await lifecycle.insert_occurrence(session, schedule.id, due, flow_run_id=None, now=datetime.now(UTC))
    reconciler = Reconciler(environment.database, environment.settings)
    try:
        await reconciler.settle_execution(row.id)
    finally:
        await reconciler.close()
    async with environment.database.session() as session:
        run_id = (await executions.get(session, row.id)).flow_run_id
    assert run_id
    return row.id, UUID(run_id)


async def test_the_process_of_the_earlier_one_is_ended(environment: Environment, shared_pool: WorkPool) -> None:
    policy = {"overlap": "cancel_other", "catchup": "none"}
    mail = {"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}
    schedule = await environment.create(policy=policy, destinations=[mail])
    arrived, answer = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        arrived.set()
        await answer.wait()

    environment.mail.before = hold
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    first, first_run = await _fire(environment, schedule, now - timedelta(minutes=2))
    await asyncio.wait_for(arrived.wait(), 60)
    environment.mail.before = None
    second, second_run = await _fire(environment, schedule, now - timedelta(minutes=1))
    state = (await shared_pool.until(first_run)).state
    assert state is not None
    assert state.type is StateType.CANCELLED
    assert (await shared_pool.until(second_run)).state_type is StateType.COMPLETED
    async with environment.database.session() as session:
        earlier, later = await executions.get(session, first), await executions.get(session, second)
        (unknown,) = await delivery_repository.deliveries_of(session, [first])
        (delivered,) = await delivery_repository.deliveries_of(session, [second])
        tries = (await session.scalars(select(Attempt.outcome).where(Attempt.delivery_id == unknown.id))).all()
    assert (earlier.status, earlier.superseded_by) == (ExecutionState.CANCELLED, second)
    assert (unknown.status, tries) == (DeliveryState.UNKNOWN, [DeliveryState.UNKNOWN])
    assert (later.status, delivered.status) == (ExecutionState.SUCCESS, DeliveryState.DELIVERED)
    ids = [str(message["Message-ID"]) for _, message in environment.mail.mails]
    assert len(ids) == 1, "the earlier one's mail hangs in the far side, and its process no longer asks for an answer"
    answer.set()
