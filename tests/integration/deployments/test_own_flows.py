"""The upkeep: its deployment, and its flow where no API process lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.objects import State
from prefect.flow_engine import run_flow
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Scheduled
from sqlalchemy import select

from deployments import own_flows
from deployments.sync.desired import schedule_tag
from deployments.sync.desired_own import UPKEEP
from mailroom.settings import CHECKOUT
from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution, Schedule

if TYPE_CHECKING:
    from tests.support.environment import Environment

LATE = timedelta(minutes=5)


async def test_it_is_made_once_and_mended_where_it_differs(environment: Environment) -> None:
    async with PrefectClient(environment.settings.prefect_api) as client:
        first, _ = await own_flows.ensure(client, environment.settings, UPKEEP)
        assert await own_flows.ensure(client, environment.settings, UPKEEP) == (first, False)
        await client.update_deployment(first, DeploymentUpdate(entrypoint="flows/other.py:other", schedules=[]))
        assert await own_flows.ensure(client, environment.settings, UPKEEP) == (first, True)
        assert await own_flows.ensure(client, environment.settings, UPKEEP) == (first, False)
        await client.delete_deployment(first)
        again, done = await own_flows.ensure(client, environment.settings, UPKEEP)
        assert done
        assert again != first
        # Not left to its schedule: nothing here works on the pool.
        await client.delete_deployment(again)


async def _lost(environment: Environment) -> Schedule:
    """Store a schedule that Prefect knows, and that was due five minutes ago without a run."""
    due = datetime.now(UTC) - LATE
    schedule = await environment.create(timing={"frequency": "daily", "at": f"{due:%H:%M}"})
    async with environment.database.session() as session:
        row = await session.get(Schedule, schedule.id)
        assert row is not None
        row.next_run = due.replace(second=0, microsecond=0)
        row.accounted_until = due - timedelta(days=1) + timedelta(hours=1)
    return schedule


async def test_its_run_finds_what_was_lost_and_hands_it_over(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await _lost(environment)
    monkeypatch.setenv("MAILROOM_DATA_DIR", str(environment.settings.data_dir))
    monkeypatch.setenv("MAILROOM_PREFECT_API_URL", environment.settings.prefect_api)
    monkeypatch.setenv("MAILROOM_DATABASE_URL", str(environment.database.engine.url))
    flow: Flow[[], object] = load_flow_from_entrypoint(str(CHECKOUT / UPKEEP.entrypoint))
    with temporary_settings({PREFECT_API_URL: environment.settings.prefect_api}):
        async with PrefectClient(environment.settings.prefect_api) as client:
            for ago, name in ((timedelta(hours=1), "Skipped"), (timedelta(), "Completed")):
                started: State[object] = Scheduled(scheduled_time=datetime.now(UTC) - ago)
                run = await client.create_flow_run(flow, state=started)
                state = await run_flow(flow, flow_run=run, return_type="state")  # type: ignore[misc]  # of an async flow
                assert state.name == name, state.message
            assert "1 due times had no run" in str(state.message)
            async with environment.database.session() as session:
                (row,) = await session.scalars(select(Execution).where(Execution.schedule_id == schedule.id))
            assert row.status is ExecutionState.PENDING
            assert row.flow_run_id
            handed_over = await client.read_flow_run(row.flow_run_id)  # type: ignore[arg-type]  # text does as well
    assert handed_over.parameters == {"schedule_id": schedule.id, "execution_id": row.id}
    assert schedule_tag(schedule.id) in handed_over.tags
