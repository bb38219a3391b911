"""Runs whose process died, as Prefect shows them, and what becomes of their executions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelled, Completed, Crashed, Failed, Pending, Running, Scheduled

from deployments.runs.rescue import MAX_PASSES, QUIET, Cure, cure, rescue
from deployments.sync.desired import schedule_tag
from mailroom.executions import lifecycle
from mailroom.executions import repository as executions
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.claim import Claimed, FlowRunFacts, HeldElsewhere, claim
from mailroom.schedules import service as schedules
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution, Schedule
from prefect_mailroom.worker.claim_words import claim_of

if TYPE_CHECKING:
    from tests.support.environment import Environment

LATER = QUIET + timedelta(seconds=30)


def _run(state: State | None) -> FlowRun | None:
    if state is None:
        return None
    # Its own stamp is from when the tests were collected, which may be minutes ago.
    entered = state.model_copy(update={"timestamp": datetime.now(UTC)})
    return FlowRun(flow_id=UUID(new_id()), state=entered, state_type=state.type)


@pytest.mark.parametrize(
    ("status", "state", "expected"),
    [
        (ExecutionState.RUNNING, Running(), Cure.PUT_BACK),
        (ExecutionState.RUNNING, Pending(), Cure.PUT_BACK),
        (ExecutionState.RUNNING, Crashed(), Cure.PUT_BACK),
        (ExecutionState.RUNNING, Scheduled(), Cure.NOTHING),
        (ExecutionState.RUNNING, Failed(), Cure.PUT_BACK),
        (ExecutionState.RUNNING, Completed(), Cure.FAIL),
        (ExecutionState.RUNNING, Cancelled(), Cure.CANCEL),
        (ExecutionState.RUNNING, None, Cure.FAIL),
        (ExecutionState.PENDING, Scheduled(), Cure.NOTHING),
        (ExecutionState.PENDING, Pending(), Cure.NOTHING),
        (ExecutionState.PENDING, Running(), Cure.NOTHING),
        (ExecutionState.PENDING, Crashed(), Cure.PUT_BACK),
        (ExecutionState.PENDING, Cancelled(), Cure.CANCEL),
        (ExecutionState.PENDING, Completed(), Cure.FAIL),
        (ExecutionState.PENDING, None, Cure.HAND_OVER),
        (ExecutionState.RETRYING, None, Cure.HAND_OVER),
        (ExecutionState.RETRYING, Scheduled(), Cure.NOTHING),
        (ExecutionState.RETRYING, Cancelled(), Cure.CANCEL),
    ],
)
def test_the_cure_follows_from_both_sides(status: ExecutionState, state: State | None, expected: Cure) -> None:
    assert cure(Execution(status=status, pass_count=1), _run(state), now=datetime.now(UTC)) is expected


@pytest.mark.parametrize("state", [Pending(), Running()], ids=["pending", "running"])
def test_a_run_that_hangs_before_its_claim_is_put_back(state: State) -> None:
    execution = Execution(status=ExecutionState.PENDING, pass_count=0)
    assert cure(execution, _run(state), now=datetime.now(UTC) + LATER) is Cure.PUT_BACK


def test_an_execution_is_not_put_back_for_ever() -> None:
    execution = Execution(status=ExecutionState.RUNNING, crash_count=MAX_PASSES)
    assert cure(execution, _run(Crashed()), now=datetime.now(UTC)) is Cure.FAIL


async def _begun(environment: Environment, state: State) -> tuple[Schedule, Execution, UUID]:
    """Make a requested execution whose flow run has claimed it and then stands in `state` in Prefect."""
    schedule = await environment.create()
    async with environment.database.session() as session:
        execution = await schedules.request_execution(
            session, schedule.id, ExecutionKind.RUN_NOW, environment.context()
        )
    await environment.reconciler.settle_execution(execution.id)
    async with environment.database.session() as session:
        row = await executions.get(session, execution.id)
        assert row.flow_run_id
        row.status, row.started_at, row.pass_count = ExecutionState.RUNNING, datetime.now(UTC), 1
        row.lease_until = datetime.now(UTC) + timedelta(seconds=60)
    async with PrefectClient(environment.settings.prefect_api) as client:
        await client.set_flow_run_state(UUID(row.flow_run_id), state, force=True)
    return schedule, row, UUID(row.flow_run_id)


async def _rescue(environment: Environment, after: timedelta) -> int:
    async with PrefectClient(environment.settings.prefect_api) as client:
        return await rescue(client, environment.database, now=datetime.now(UTC) + after)


@pytest.mark.parametrize("state", [Running(), Crashed()], ids=["running", "crashed"])
async def test_a_run_that_fell_silent_is_put_back(environment: Environment, state: State) -> None:
    _, execution, run_id = await _begun(environment, state)
    assert await _rescue(environment, timedelta(seconds=1)) == 0, "its lease still holds"
    assert await _rescue(environment, LATER) >= 1
    async with environment.database.session() as session:
        assert (await executions.get(session, execution.id)).crash_count == 1
    async with PrefectClient(environment.settings.prefect_api) as client:
        run = await client.read_flow_run(run_id)
    assert run.state_type is StateType.SCHEDULED
    assert await _rescue(environment, LATER) == 0, "once is enough"


async def test_a_run_cancelled_in_prefect_is_cancelled_here(environment: Environment) -> None:
    _, execution, _ = await _begun(environment, Cancelled())
    assert await _rescue(environment, LATER) >= 1
    async with environment.database.session() as session:
        row = await executions.get(session, execution.id)
    assert row.status is ExecutionState.CANCELLED


async def test_a_run_deleted_in_prefect_fails_with_words(environment: Environment) -> None:
    _, execution, run_id = await _begun(environment, Running())
    async with PrefectClient(environment.settings.prefect_api) as client:
        await client.delete_flow_run(run_id)
    assert await _rescue(environment, LATER) >= 1
    async with environment.database.session() as session:
        row = await executions.get(session, execution.id)
    assert row.status is ExecutionState.FAILED
    assert row.reason_code == ReasonCode.RUN_GONE


async def test_a_run_that_never_began_is_put_back(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    deployment = await environment.deployment(schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        run = await client.create_flow_run_from_deployment(deployment.id)
        await client.set_flow_run_state(run.id, Pending(), force=True)
    assert await _rescue(environment, timedelta(seconds=1)) == 0
    assert await _rescue(environment, LATER) >= 1
    async with PrefectClient(environment.settings.prefect_api) as client:
        assert (await client.read_flow_run(run.id)).state_type is StateType.SCHEDULED


async def test_a_run_that_crashed_before_the_ledger_knew_it_is_put_back_soon(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    deployment = await environment.deployment(schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        run = await client.create_flow_run_from_deployment(deployment.id)
        await client.set_flow_run_state(run.id, Running(), force=True)
        await client.set_flow_run_state(run.id, Crashed(), force=True)
        assert await _rescue(environment, timedelta(seconds=1)) == 0
        assert await _rescue(environment, timedelta(seconds=15)) == 1
        again = await client.read_flow_run(run.id)
        assert again.state_type is StateType.SCHEDULED
        assert again.expected_start_time == run.expected_start_time, "its due time stays"
        assert again.next_scheduled_start_time is not None
        assert run.expected_start_time is not None
        assert again.next_scheduled_start_time < run.expected_start_time, "it goes before what became due with it"
        await client.delete_flow_run(run.id)


@pytest.mark.parametrize(("worker", "put_back"), [("gone", 1), ("alive", 0)])
async def test_the_claim_of_a_worker_that_is_gone_is_put_back_at_once(
    environment: Environment, worker: str, put_back: int
) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    deployment = await environment.deployment(schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        await client.send_worker_heartbeat(environment.settings.work_pool, "alive", heartbeat_interval_seconds=30)
        run = await client.create_flow_run_from_deployment(deployment.id)
        await client.set_flow_run_state(run.id, Pending(message=claim_of(worker)), force=True)
        assert await _rescue(environment, timedelta(seconds=1)) == put_back
        expected = StateType.SCHEDULED if put_back else StateType.PENDING
        assert (await client.read_flow_run(run.id)).state_type is expected
        await client.delete_flow_run(run.id)


async def test_an_execution_counts_as_silent_as_soon_as_its_lease_has_ended(environment: Environment) -> None:
    _, _, run_id = await _begun(environment, Crashed())
    assert await _rescue(environment, timedelta(seconds=59)) == 0
    assert await _rescue(environment, timedelta(seconds=61)) == 1, "the time since it began does not matter"
    async with PrefectClient(environment.settings.prefect_api) as client:
        assert (await client.read_flow_run(run_id)).state_type is StateType.SCHEDULED


async def test_a_pass_does_not_begin_while_another_holds_the_lease(environment: Environment) -> None:
    schedule, execution, run_id = await _begun(environment, Running())
    facts = FlowRunFacts(str(run_id), datetime.now(UTC), scheduled=False)
    for later, expected in ((timedelta(), HeldElsewhere), (LATER, Claimed)):
        async with environment.database.session() as session:
            now = datetime.now(UTC) + later
            result = await claim(session, facts, schedule_id=schedule.id, execution_id=execution.id, now=now)
        assert isinstance(result, expected)
        if isinstance(result, HeldElsewhere):
            assert result.until == execution.lease_until


async def _flow_runs(environment: Environment, schedule: Schedule) -> list[FlowRun]:
    async with PrefectClient(environment.settings.prefect_api) as client:
        tags = FlowRunFilterTags(all_=[schedule_tag(schedule.id)])
        return await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))


async def _asked_for(environment: Environment, schedule: Schedule) -> list[FlowRun]:
    """The runs without those of the timing, which Prefect's scheduler inserts at any moment."""
    return [run for run in await _flow_runs(environment, schedule) if not run.auto_scheduled]


async def test_an_execution_whose_run_is_gone_gets_another(environment: Environment) -> None:
    schedule = await environment.create()
    async with environment.database.session() as session:
        execution = await schedules.request_execution(
            session, schedule.id, ExecutionKind.RUN_NOW, environment.context()
        )
    await environment.reconciler.settle_execution(execution.id)
    (run,) = await _asked_for(environment, schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        await client.delete_flow_run(run.id)
    assert await _rescue(environment, LATER) >= 1
    await environment.reconciler.run_pass()
    (another,) = await _asked_for(environment, schedule)
    assert another.id != run.id
    async with environment.database.session() as session:
        row = await executions.get(session, execution.id)
    assert (row.status, row.flow_run_id) == (ExecutionState.PENDING, str(another.id))


async def test_an_occurrence_gets_the_late_run_that_prefect_has_for_it(environment: Environment) -> None:
    """A worker that was away: the watchdog wrote the due time, and Prefect's own run for it still waits."""
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    deployment = await environment.deployment(schedule)
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=9)
    async with PrefectClient(environment.settings.prefect_api) as client:
        # As its scheduler does; the server alone makes such runs.
        begin, end = due.isoformat(), (due + timedelta(days=8)).isoformat()
        answer = await client._client.post(
            f"/deployments/{deployment.id}/schedule", json={"start_time": begin, "end_time": end, "max_runs": 1}
        )
        answer.raise_for_status()
    late = [run for run in await _flow_runs(environment, schedule) if run.expected_start_time < datetime.now(UTC)]  # type: ignore[operator]  # it has one
    assert len(late) == 1
    assert late[0].expected_start_time is not None
    async with environment.database.session() as session:
        row = await lifecycle.insert_occurrence(
            session, schedule.id, late[0].expected_start_time, flow_run_id=None, now=datetime.now(UTC)
        )
    await environment.reconciler.run_pass()
    async with environment.database.session() as session:
        assert (await executions.get(session, row.id)).flow_run_id == str(late[0].id)
    runs = await _flow_runs(environment, schedule)
    assert not [run for run in runs if run.parameters.get("execution_id")], "no second run was made"
