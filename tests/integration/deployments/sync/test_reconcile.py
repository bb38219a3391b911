"""The reconciler against a real Prefect server, and against none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.exceptions import ObjectNotFound

from deployments.sync.desired import desired, schedule_tag
from deployments.sync.diff import Create, Delete, Update, diff
from deployments.sync.observed import Observed, read
from mailroom.executions import repository as executions
from mailroom.schedules import service as schedules
from mailroom.schedules.deletions import undo
from mailroom.schedules.deletions.finish import finish_due
from mailroom.schedules.spec import read_spec
from mailroom.settings import CHECKOUT
from mailroom.states import ExecutionKind, ExecutionState, SyncState
from mailroom.storage.tables import Execution, Schedule
from tests.integration.deployments.conftest import BODY
from tests.support.prefect import NOBODY_LISTENS

if TYPE_CHECKING:
    from tests.support.environment import Environment


async def observed(environment: Environment, schedule: Schedule) -> Observed:
    async with PrefectClient(environment.settings.prefect_api) as client:
        return (await read(client, [schedule.id]))[schedule.id]


async def test_a_schedule_becomes_a_deployment_named_and_tagged_by_its_id(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    deployment = await environment.deployment(schedule)
    assert schedule_tag(schedule.id) in deployment.tags
    assert deployment.parameters == {"schedule_id": schedule.id}
    assert deployment.schedules[0].schedule.model_dump(include={"cron", "timezone"}) == {
        "cron": "0 9 * * mon",
        "timezone": "Europe/Berlin",
    }
    assert deployment.pull_steps == [{"prefect.deployments.steps.set_working_directory": {"directory": str(CHECKOUT)}}]
    row = await environment.row(schedule)
    assert (row.sync_state, row.observed_generation) == (SyncState.SYNCED, row.generation)
    assert row.deployment_id == str(deployment.id)
    assert diff(desired(row, environment.settings), await observed(environment, schedule)) is None, (
        "in step means nothing to do"
    )


async def test_a_change_keeps_deployment_and_schedule_ids(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    before = await environment.deployment(schedule)
    changed = {**BODY, "name": "Daily orders", "timing": {"frequency": "daily", "at": "10:15"}}
    async with environment.database.session() as session:
        await schedules.replace(session, schedule.id, read_spec(changed), environment.context(), if_match='"1"')
    await environment.reconciler.settle_schedule(schedule.id)
    after = await environment.deployment(schedule)
    assert after.id == before.id
    assert [s.id for s in after.schedules] == [s.id for s in before.schedules]
    assert after.schedules[0].schedule.model_dump(include={"cron"}) == {"cron": "15 10 * * *"}
    assert (after.description or "").startswith("Daily orders")


async def test_pause_resume_and_delete_arrive(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    for change, paused in ((schedules.pause, True), (schedules.resume, False)):
        async with environment.database.session() as session:
            await change(session, schedule.id, environment.context())
        await environment.reconciler.settle_schedule(schedule.id)
        assert (await environment.deployment(schedule)).paused is paused
    async with environment.database.session() as session:
        await schedules.delete(session, schedule.id, environment.context())
    await environment.reconciler.settle_schedule(schedule.id)
    # It can be undone: the deployment stays, paused, and no pass takes it for one that should not be there.
    assert (await environment.deployment(schedule)).paused
    await environment.reconciler.repair(seconds=5)
    kept = await environment.deployment(schedule)
    async with environment.database.session() as session:
        await undo.undelete(session, schedule.id, environment.context())
    await environment.reconciler.settle_schedule(schedule.id)
    again = await environment.deployment(schedule)
    assert (again.id, again.paused) == (kept.id, False)
    async with environment.database.session() as session:
        await schedules.delete(session, schedule.id, environment.context())
    after = environment.now() + timedelta(seconds=environment.settings.undo_delete_seconds)
    assert await finish_due(environment.database, now=after) == [schedule.id]
    await environment.reconciler.settle_schedule(schedule.id)
    with pytest.raises(ObjectNotFound):
        await environment.deployment(schedule)
    assert (await environment.row(schedule)).sync_state is SyncState.SYNCED


async def test_a_change_is_kept_while_prefect_is_down_and_applied_later(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.at(NOBODY_LISTENS).settle_schedule(schedule.id)
    row = await environment.row(schedule)
    assert (row.sync_state, row.observed_generation) == (SyncState.PENDING, 0)
    assert "does not answer" in row.sync_error
    assert await environment.reconciler.run_pass() >= 1
    assert (await environment.row(schedule)).sync_state is SyncState.SYNCED
    assert await environment.reconciler.run_pass() == 0


async def test_two_passes_at_once_make_one_deployment(environment: Environment) -> None:
    schedule = await environment.create()
    others = [environment.at(environment.settings.prefect_api) for _ in range(3)]
    await asyncio.gather(*(other.settle_schedule(schedule.id) for other in others))
    await environment.reconciler.settle_schedule(schedule.id)
    deployment = await environment.deployment(schedule)
    assert len(deployment.schedules) == 1
    assert (await environment.row(schedule)).sync_state is SyncState.SYNCED


async def test_drift_made_by_hand_is_seen_by_the_diff(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    deployment = await environment.deployment(schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        await client.update_deployment(deployment.id, DeploymentUpdate(paused=True, tags=["mine"]))
    wanted = desired(await environment.row(schedule), environment.settings)
    action = diff(wanted, await observed(environment, schedule))
    assert isinstance(action, Update)
    assert action.fields == {"paused", "tags"}


async def test_a_requested_execution_becomes_one_flow_run(environment: Environment) -> None:
    schedule = await environment.create()
    async with environment.database.session() as session:
        execution = await schedules.request_execution(
            session, schedule.id, ExecutionKind.RUN_NOW, environment.context()
        )
    await asyncio.gather(
        environment.reconciler.settle_execution(execution.id),
        environment.at(environment.settings.prefect_api).settle_execution(execution.id),
    )
    async with PrefectClient(environment.settings.prefect_api) as client:
        tags = FlowRunFilterTags(all_=[schedule_tag(schedule.id), "kind:run_now"])
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags), sort="ID_DESC", limit=10)  # type: ignore[arg-type]  # the enum's word
    assert len(runs) == 1
    assert runs[0].parameters == {"schedule_id": schedule.id, "execution_id": execution.id}
    async with environment.database.session() as session:
        row = await session.get(Execution, execution.id)
        assert row is not None
        assert row.flow_run_id == str(runs[0].id)


async def test_a_request_is_kept_while_prefect_is_down(environment: Environment) -> None:
    schedule = await environment.create(timing={"frequency": "immediate"})
    await environment.at(NOBODY_LISTENS).run_pass()
    async with environment.database.session() as session:
        pending = await executions.unsubmitted(session)
    assert [row.schedule_id for row in pending] == [schedule.id]
    await environment.reconciler.run_pass()
    async with environment.database.session() as session:
        assert await executions.unsubmitted(session) == []


async def test_a_request_for_a_deleted_schedule_is_withdrawn(environment: Environment) -> None:
    schedule = await environment.create()
    async with environment.database.session() as session:
        execution = await schedules.request_execution(session, schedule.id, ExecutionKind.TEST, environment.context())
        await schedules.delete(session, schedule.id, environment.context())
    await environment.reconciler.settle_execution(execution.id)
    async with environment.database.session() as session:
        row = await session.get(Execution, execution.id)
        assert row is not None
        assert (row.status, row.flow_run_id) == (ExecutionState.CANCELLED, None)


async def test_the_difference_is_one_action(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.reconciler.settle_schedule(schedule.id)
    there = await observed(environment, schedule)
    wanted = desired(await environment.row(schedule), environment.settings)
    assert wanted is not None
    assert diff(wanted, None) == Create(wanted)
    assert diff(None, there) == Delete(there)
    assert diff(None, None) is None
    action = diff(replace(wanted, cron="0 8 * * *"), there)
    assert isinstance(action, Update)
    assert action.fields == {"cron", "mark"}
