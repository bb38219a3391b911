"""The reconciler against a real Prefect server, and against none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from deployments.desired import FLOW_NAME, desired, schedule_tag
from deployments.diff import Create, Delete, Update, diff
from deployments.observed import observe
from deployments.reconcile import Reconciler
from reports import schedules
from reports.database import Database
from reports.definition import ReportDefinition
from reports.repositories import catalog, executions
from reports.repositories import schedules as stored
from reports.schedule_spec import read_spec
from reports.schedules import Context
from reports.settings import CHECKOUT, Settings
from reports.states import ExecutionKind, ExecutionState, SyncState
from reports.tables import Connection, Execution, Schedule, User
from reports.users import ensure_default_user

NOBODY_LISTENS = "http://127.0.0.1:9/api"
BODY: dict[str, Any] = {
    "name": "Weekly orders",
    "report_id": "orders",
    "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"},
    "formats": ["csv"],
    "destinations": [{"channel": "folder", "connection": "shared"}],
}
REPORT = {
    "id": "orders",
    "title": "Orders",
    "source": {"kind": "sql", "connection": "warehouse", "queries": {"orders": "SELECT 1 AS one"}},
    "formats": ["csv"],
}


class Office:
    """A ledger, its reconciler and a Prefect to look at."""

    def __init__(self, database: Database, settings: Settings, owner: User) -> None:
        self.database, self.settings, self.owner = database, settings, owner
        self.reconciler = Reconciler(database, settings)

    def at(self, prefect_api: str) -> Reconciler:
        """A reconciler of another process, with its Prefect elsewhere."""
        return Reconciler(self.database, self.settings.model_copy(update={"prefect_api_url": prefect_api}))

    def context(self) -> Context:
        return Context(user=self.owner, now=datetime.now(UTC), settings=self.settings)

    async def create(self, **changes: Any) -> Schedule:
        async with self.database.session() as session:
            return await schedules.create(session, read_spec({**BODY, **changes}), self.context())

    async def row(self, schedule: Schedule) -> Schedule:
        async with self.database.session() as session:
            found = await stored.find(session, schedule.id)
            assert found is not None
            return found

    async def deployment(self, schedule: Schedule) -> DeploymentResponse:
        async with PrefectClient(self.settings.prefect_api) as client:
            return await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")


@pytest.fixture
async def office(tmp_path: Path, database: Database, prefect_server: str) -> AsyncIterator[Office]:
    settings = Settings(data_dir=tmp_path, prefect_api_url=prefect_server, sync_wait_seconds=20)
    async with PrefectClient(prefect_server) as client:
        with contextlib.suppress(ObjectAlreadyExists):  # An earlier test of this server made it.
            await client.create_work_pool(WorkPoolCreate(name="mailroom", type="process"))
    now = datetime.now(UTC)
    async with database.session() as session:
        owner = await ensure_default_user(session, now, settings)
        row = Connection(name="shared", kind="folder", block_type_slug="x", created_at=now, updated_at=now)
        session.add(row)
        await catalog.save_report(session, ReportDefinition.model_validate(REPORT), now=now)
    found = Office(database, settings, owner)
    yield found
    await found.reconciler.close()


async def test_a_schedule_becomes_a_deployment_named_and_tagged_by_its_id(office: Office) -> None:
    schedule = await office.create()
    await office.reconciler.settle_schedule(schedule.id)
    deployment = await office.deployment(schedule)
    assert schedule_tag(schedule.id) in deployment.tags
    assert deployment.parameters == {"schedule_id": schedule.id}
    assert deployment.schedules[0].schedule.model_dump(include={"cron", "timezone"}) == {
        "cron": "0 9 * * mon",
        "timezone": "Europe/Berlin",
    }
    assert deployment.pull_steps == [{"prefect.deployments.steps.set_working_directory": {"directory": str(CHECKOUT)}}]
    row = await office.row(schedule)
    assert (row.sync_state, row.observed_generation) == (SyncState.SYNCED, row.generation)
    assert row.deployment_id == str(deployment.id)
    assert diff(desired(row, office.settings), observe(deployment)) is None, "in step means nothing to do"


async def test_a_change_keeps_deployment_and_schedule_ids(office: Office) -> None:
    schedule = await office.create()
    await office.reconciler.settle_schedule(schedule.id)
    before = await office.deployment(schedule)
    changed = {**BODY, "name": "Daily orders", "timing": {"frequency": "daily", "at": "10:15"}}
    async with office.database.session() as session:
        await schedules.replace(session, schedule.id, read_spec(changed), office.context(), if_match='"1"')
    await office.reconciler.settle_schedule(schedule.id)
    after = await office.deployment(schedule)
    assert after.id == before.id
    assert [s.id for s in after.schedules] == [s.id for s in before.schedules]
    assert after.schedules[0].schedule.model_dump(include={"cron"}) == {"cron": "15 10 * * *"}
    assert (after.description or "").startswith("Daily orders")


async def test_pause_resume_and_delete_arrive(office: Office) -> None:
    schedule = await office.create()
    await office.reconciler.settle_schedule(schedule.id)
    for change, paused in ((schedules.pause, True), (schedules.resume, False)):
        async with office.database.session() as session:
            await change(session, schedule.id, office.context())
        await office.reconciler.settle_schedule(schedule.id)
        assert (await office.deployment(schedule)).paused is paused
    async with office.database.session() as session:
        await schedules.delete(session, schedule.id, office.context())
    await office.reconciler.settle_schedule(schedule.id)
    with pytest.raises(ObjectNotFound):
        await office.deployment(schedule)
    assert (await office.row(schedule)).sync_state is SyncState.SYNCED


async def test_a_change_is_kept_while_prefect_is_down_and_applied_later(office: Office) -> None:
    schedule = await office.create()
    await office.at(NOBODY_LISTENS).settle_schedule(schedule.id)
    row = await office.row(schedule)
    assert (row.sync_state, row.observed_generation) == (SyncState.PENDING, 0)
    assert "does not answer" in row.sync_error
    assert await office.reconciler.run_pass() >= 1
    assert (await office.row(schedule)).sync_state is SyncState.SYNCED
    assert await office.reconciler.run_pass() == 0


async def test_two_passes_at_once_make_one_deployment(office: Office) -> None:
    schedule = await office.create()
    others = [office.at(office.settings.prefect_api) for _ in range(3)]
    await asyncio.gather(*(other.settle_schedule(schedule.id) for other in others))
    await office.reconciler.settle_schedule(schedule.id)
    deployment = await office.deployment(schedule)
    assert len(deployment.schedules) == 1
    assert (await office.row(schedule)).sync_state is SyncState.SYNCED


async def test_drift_made_by_hand_is_seen_by_the_diff(office: Office) -> None:
    schedule = await office.create()
    await office.reconciler.settle_schedule(schedule.id)
    deployment = await office.deployment(schedule)
    async with PrefectClient(office.settings.prefect_api) as client:
        await client.update_deployment(deployment.id, DeploymentUpdate(paused=True, tags=["mine"]))
    wanted = desired(await office.row(schedule), office.settings)
    action = diff(wanted, observe(await office.deployment(schedule)))
    assert isinstance(action, Update)
    assert action.fields == {"paused", "tags"}


async def test_a_requested_execution_becomes_one_flow_run(office: Office) -> None:
    schedule = await office.create()
    async with office.database.session() as session:
        execution = await schedules.request_execution(session, schedule.id, ExecutionKind.RUN_NOW, office.context())
    await asyncio.gather(
        office.reconciler.settle_execution(execution.id),
        office.at(office.settings.prefect_api).settle_execution(execution.id),
    )
    async with PrefectClient(office.settings.prefect_api) as client:
        tags = FlowRunFilterTags(all_=[schedule_tag(schedule.id), "kind:run_now"])
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags), sort="ID_DESC", limit=10)  # type: ignore[arg-type]  # the enum's word
    assert len(runs) == 1
    assert runs[0].parameters == {"schedule_id": schedule.id, "execution_id": execution.id}
    async with office.database.session() as session:
        row = await session.get(Execution, execution.id)
        assert row is not None
        assert row.flow_run_id == str(runs[0].id)


async def test_a_request_is_kept_while_prefect_is_down(office: Office) -> None:
    schedule = await office.create(timing={"frequency": "immediate"})
    await office.at(NOBODY_LISTENS).run_pass()
    async with office.database.session() as session:
        pending = await executions.unsubmitted(session)
    assert [row.schedule_id for row in pending] == [schedule.id]
    await office.reconciler.run_pass()
    async with office.database.session() as session:
        assert await executions.unsubmitted(session) == []


async def test_a_request_for_a_deleted_schedule_is_withdrawn(office: Office) -> None:
    schedule = await office.create()
    async with office.database.session() as session:
        execution = await schedules.request_execution(session, schedule.id, ExecutionKind.TEST, office.context())
        await schedules.delete(session, schedule.id, office.context())
    await office.reconciler.settle_execution(execution.id)
    async with office.database.session() as session:
        row = await session.get(Execution, execution.id)
        assert row is not None
        assert (row.status, row.flow_run_id) == (ExecutionState.CANCELLED, None)


async def test_the_difference_is_one_action(office: Office) -> None:
    schedule = await office.create()
    await office.reconciler.settle_schedule(schedule.id)
    observed = observe(await office.deployment(schedule))
    wanted = desired(await office.row(schedule), office.settings)
    assert wanted is not None
    assert diff(wanted, None) == Create(wanted)
    assert diff(None, observed) == Delete(observed)
    assert diff(None, None) is None
    action = diff(replace(wanted, cron="0 8 * * *"), observed)
    assert isinstance(action, Update)
    assert action.fields == {"cron"}
