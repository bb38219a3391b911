"""Runs whose process died, as Prefect shows them, and what becomes of their executions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelled, Completed, Crashed, Failed, Pending, Running, Scheduled

from deployments.rescue import MAX_PASSES, QUIET, Cure, cure, rescue
from reports import schedules
from reports.database import new_id
from reports.repositories import executions
from reports.run.claim import Claimed, FlowRunFacts, Stopped, claim
from reports.states import ExecutionKind, ExecutionState
from reports.tables import Execution, Schedule

if TYPE_CHECKING:
    from tests.integration.deployments.conftest import Office

LATER = QUIET + timedelta(seconds=30)


def _run(state: State | None) -> FlowRun | None:
    return FlowRun(flow_id=UUID(new_id()), state=state, state_type=state.type) if state else None


@pytest.mark.parametrize(
    ("status", "state", "expected"),
    [
        (ExecutionState.RUNNING, Running(), Cure.PUT_BACK),
        (ExecutionState.RUNNING, Pending(), Cure.PUT_BACK),
        (ExecutionState.RUNNING, Crashed(), Cure.PUT_BACK),
        (ExecutionState.RUNNING, Scheduled(), Cure.NOTHING),
        (ExecutionState.RUNNING, Failed(), Cure.FAIL),
        (ExecutionState.RUNNING, Completed(), Cure.FAIL),
        (ExecutionState.RUNNING, Cancelled(), Cure.CANCEL),
        (ExecutionState.RUNNING, None, Cure.FAIL),
        (ExecutionState.PENDING, Scheduled(), Cure.NOTHING),
        (ExecutionState.PENDING, Pending(), Cure.NOTHING),
        (ExecutionState.PENDING, Running(), Cure.NOTHING),
        (ExecutionState.PENDING, Crashed(), Cure.PUT_BACK),
        (ExecutionState.PENDING, Cancelled(), Cure.CANCEL),
    ],
)
def test_the_cure_follows_from_both_sides(status: ExecutionState, state: State | None, expected: Cure) -> None:
    assert cure(Execution(status=status, pass_count=1), _run(state)) is expected


def test_an_execution_is_not_put_back_for_ever() -> None:
    assert cure(Execution(status=ExecutionState.RUNNING, pass_count=MAX_PASSES), _run(Crashed())) is Cure.FAIL


async def _begun(office: Office, state: State) -> tuple[Schedule, Execution, UUID]:
    """A requested execution whose flow run has claimed it and then stands in `state` in Prefect."""
    schedule = await office.create()
    async with office.database.session() as session:
        execution = await schedules.request_execution(session, schedule.id, ExecutionKind.RUN_NOW, office.context())
    await office.reconciler.settle_execution(execution.id)
    async with office.database.session() as session:
        row = await executions.get(session, execution.id)
        assert row.flow_run_id
        row.status, row.started_at, row.pass_count = ExecutionState.RUNNING, datetime.now(UTC), 1
        row.lease_until = datetime.now(UTC) + timedelta(seconds=60)
    async with PrefectClient(office.settings.prefect_api) as client:
        await client.set_flow_run_state(UUID(row.flow_run_id), state, force=True)
    return schedule, row, UUID(row.flow_run_id)


async def _rescue(office: Office, after: timedelta) -> int:
    async with PrefectClient(office.settings.prefect_api) as client:
        return await rescue(client, office.database, now=datetime.now(UTC) + after)


@pytest.mark.parametrize("state", [Running(), Crashed()], ids=["running", "crashed"])
async def test_a_run_that_fell_silent_is_put_back(office: Office, state: State) -> None:
    _, _, run_id = await _begun(office, state)
    assert await _rescue(office, timedelta(seconds=1)) == 0, "its lease still holds"
    assert await _rescue(office, LATER) >= 1
    async with PrefectClient(office.settings.prefect_api) as client:
        run = await client.read_flow_run(run_id)
    assert run.state_type is StateType.SCHEDULED
    assert await _rescue(office, LATER) == 0, "once is enough"


async def test_a_run_cancelled_in_prefect_is_cancelled_here(office: Office) -> None:
    _, execution, _ = await _begun(office, Cancelled())
    assert await _rescue(office, LATER) >= 1
    async with office.database.session() as session:
        row = await executions.get(session, execution.id)
    assert row.status is ExecutionState.CANCELLED


async def test_a_run_deleted_in_prefect_fails_with_words(office: Office) -> None:
    _, execution, run_id = await _begun(office, Running())
    async with PrefectClient(office.settings.prefect_api) as client:
        await client.delete_flow_run(run_id)
    assert await _rescue(office, LATER) >= 1
    async with office.database.session() as session:
        row = await executions.get(session, execution.id)
    assert row.status is ExecutionState.FAILED
    assert "flow run is gone" in row.reason


async def test_a_run_that_never_began_is_put_back(office: Office) -> None:
    schedule = await office.create()
    await office.reconciler.settle_schedule(schedule.id)
    deployment = await office.deployment(schedule)
    async with PrefectClient(office.settings.prefect_api) as client:
        run = await client.create_flow_run_from_deployment(deployment.id)
        await client.set_flow_run_state(run.id, Pending(), force=True)
    assert await _rescue(office, timedelta(seconds=1)) == 0
    assert await _rescue(office, LATER) >= 1
    async with PrefectClient(office.settings.prefect_api) as client:
        assert (await client.read_flow_run(run.id)).state_type is StateType.SCHEDULED


async def test_a_pass_does_not_begin_while_another_holds_the_lease(office: Office) -> None:
    schedule, execution, run_id = await _begun(office, Running())
    facts = FlowRunFacts(str(run_id), datetime.now(UTC), scheduled=False)
    for later, expected in ((timedelta(), Stopped), (LATER, Claimed)):
        async with office.database.session() as session:
            now = datetime.now(UTC) + later
            result = await claim(session, facts, schedule_id=schedule.id, execution_id=execution.id, now=now)
        assert isinstance(result, expected)
        if isinstance(result, Stopped):
            assert result.come_back_at == execution.lease_until
