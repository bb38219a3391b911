"""The behaviour of Prefect that the state machine relies on, checked against its model and a real server alike."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
)
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import AwaitingRetry, Crashed, Scheduled

from deployments.sync.desired import FLOW_NAME
from deployments.sync.observed import Observed, count, read, read_others, read_recent
from tests.integration.promises.prefect_model.client_of_prefect import ModelClient
from tests.integration.promises.prefect_model.model_of_prefect import HOUR, ModelPrefect
from tests.support.prefect import ensure_work_pool

HOURLY = CronSchedule(cron="0 * * * *", timezone="UTC")
OTHER = CronSchedule(cron="7 7 * * *", timezone="Europe/Berlin")
BOTH = (StateType.SCHEDULED, StateType.CRASHED)


@dataclass
class PrefectUnderTest:
    """A model of Prefect or a real one; `plans` gives its scheduler the time to plan what was changed."""

    client: PrefectClient
    plans: Callable[[], Awaitable[None]]

    async def deployment(self, *, cron: CronSchedule | None = HOURLY, paused: bool = False) -> Observed:
        name = str(uuid.uuid4())
        schedules = [DeploymentScheduleCreate(slug="timing", schedule=cron, active=True)] if cron else []
        await self.client.create_deployment(
            flow_id=await self.client.create_flow_from_name(FLOW_NAME),
            name=name,
            description="Some words",
            tags=["mailroom", f"schedule:{name}"],
            parameters={"schedule_id": name},
            schedules=schedules,
            paused=paused,
            entrypoint="flows/report_export.py:report_export",
            work_pool_name="mailroom",
            pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}],
        )
        return await self.look(name)

    async def look(self, name: str) -> Observed:
        return (await read(self.client, [name]))[name]

    async def runs(self, deployment: Observed, states: tuple[StateType, ...] = BOTH, **more: Any) -> list[FlowRun]:
        return await self.client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))), **more
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=200,
        )

    async def plan(self, deployment: Observed, begin: datetime, end: datetime) -> None:
        span = {"start_time": begin.isoformat(), "end_time": end.isoformat()}
        answer = await self.client.request("POST", f"/deployments/{deployment.id}/schedule", json=span)  # type: ignore[arg-type]  # a path, not its template
        answer.raise_for_status()

    async def requested(self, deployment: Observed, key: str) -> FlowRun:
        parameters = {"schedule_id": deployment.name, "execution_id": key}
        return await self.client.create_flow_run_from_deployment(
            deployment.id, parameters=parameters, state=Scheduled(), tags=["mailroom"], idempotency_key=key
        )


@pytest.fixture
async def model() -> PrefectUnderTest:
    server = ModelPrefect(lambda: datetime.now(UTC), uuid.uuid4)

    async def plans() -> None:
        now = datetime.now(UTC)
        server.let_pass(now, now + timedelta(minutes=2))

    return PrefectUnderTest(ModelClient(server).typed, plans)


@pytest.fixture
async def server(prefect_server: str) -> AsyncIterator[PrefectUnderTest]:
    async def plans() -> None:
        await asyncio.sleep(11)  # Twice as long as its scheduler sleeps.

    async with PrefectClient(prefect_server) as client:
        await ensure_work_pool(client)
        yield PrefectUnderTest(client, plans)


@pytest.fixture(params=["model", pytest.param("server", marks=pytest.mark.xdist_group("prefect"))])
def prefect(request: pytest.FixtureRequest) -> PrefectUnderTest:
    found: PrefectUnderTest = request.getfixturevalue(request.param)
    return found


def hours(deployment_runs: list[FlowRun]) -> list[datetime]:
    return sorted(run.expected_start_time for run in deployment_runs if run.expected_start_time)


async def test_a_deployment_shows_what_was_written(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    assert (made.cron, made.timezone, made.active, made.extra, made.paused) == ("0 * * * *", "UTC", True, (), False)
    assert made.parameters == {"schedule_id": made.name}
    assert made.tags == ("mailroom", f"schedule:{made.name}")
    assert (made.work_pool, made.directory, made.job_variables) == ("mailroom", "/srv", {})
    assert made.entrypoint == "flows/report_export.py:report_export"
    assert (made.description, made.mark, made.updated_by) == ("Some words", None, "")


async def test_one_without_a_schedule_has_none(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment(cron=None)
    assert (made.cron, made.ours) == (None, None)


async def test_a_second_creation_keeps_the_id_and_makes_new_schedules(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    flow = await prefect.client.create_flow_from_name(FLOW_NAME)
    wanted = [DeploymentScheduleCreate(slug="timing", schedule=HOURLY)]
    assert await prefect.client.create_deployment(flow, made.name, schedules=wanted) == made.id
    assert (await prefect.look(made.name)).ours not in (None, made.ours)


async def test_a_patch_of_a_slugged_schedule_keeps_its_id_and_stamps_the_deployment(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    update = DeploymentScheduleUpdate(slug="timing", schedule=OTHER, active=True, parameters={})
    await prefect.client.update_deployment(made.id, DeploymentUpdate(schedules=[update], tags=["a"], paused=True))
    after = await prefect.look(made.name)
    assert (after.ours, after.cron, after.timezone) == (made.ours, "7 7 * * *", "Europe/Berlin")
    assert (after.tags, after.paused, after.description) == (("a",), True, made.description)
    assert after.updated > made.updated


async def test_a_patch_without_schedules_leaves_them(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    await prefect.client.update_deployment(made.id, DeploymentUpdate(description="Others"))
    after = await prefect.look(made.name)
    assert (after.ours, after.cron, after.description) == (made.ours, made.cron, "Others")


async def test_a_patch_adds_a_slugged_schedule_where_there_is_none(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment(cron=None)
    update = DeploymentScheduleUpdate(slug="timing", schedule=HOURLY, active=True, parameters={})
    await prefect.client.update_deployment(made.id, DeploymentUpdate(schedules=[update]))
    assert (await prefect.look(made.name)).cron == "0 * * * *"


async def test_a_change_of_a_schedule_alone_leaves_no_stamp(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    assert made.ours
    await prefect.client.update_deployment_schedule(made.id, made.ours, active=False, schedule=OTHER)
    after = await prefect.look(made.name)
    assert (after.cron, after.active, after.updated) == ("7 7 * * *", False, made.updated)


async def test_a_schedule_without_a_slug_is_beside_ours_and_can_be_removed(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    extra = [DeploymentScheduleCreate(schedule=OTHER, active=True)]
    await prefect.client.create_deployment_schedules(made.id, extra)
    between = await prefect.look(made.name)
    assert (between.ours, len(between.extra)) == (made.ours, 1)
    await prefect.client.delete_deployment_schedule(made.id, between.extra[0])
    assert (await prefect.look(made.name)).extra == ()
    with pytest.raises(ObjectNotFound):
        await prefect.client.delete_deployment_schedule(made.id, between.extra[0])


async def test_the_scheduler_plans_three_runs_and_none_for_a_paused_one(prefect: PrefectUnderTest) -> None:
    made, paused = await prefect.deployment(), await prefect.deployment(paused=True)
    await prefect.plans()
    planned = await prefect.runs(made)
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    assert hours(planned)[:3] == [first + HOUR, first + 2 * HOUR, first + 3 * HOUR]
    assert all(run.auto_scheduled and run.parameters == made.parameters and run.run_count == 0 for run in planned)
    assert all({"auto-scheduled", *made.tags} == set(run.tags) for run in planned)
    assert await prefect.runs(paused) == []


async def test_planning_is_done_once_and_for_paused_ones_too(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment(paused=True)
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(2):
        await prefect.plan(made, first, first + 2 * HOUR)
    assert hours(await prefect.runs(made)) == [first, first + HOUR, first + 2 * HOUR]


async def test_a_change_throws_away_what_is_planned_but_not_what_is_due(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment(paused=True)
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    await prefect.plan(made, first, first + 2 * HOUR)
    await prefect.client.update_deployment(made.id, DeploymentUpdate(tags=["a"]))
    assert hours(await prefect.runs(made)) == [first]
    await prefect.plan(made, first, first + 2 * HOUR)
    assert made.ours
    await prefect.client.update_deployment_schedule(made.id, made.ours, active=True, schedule=HOURLY)
    assert hours(await prefect.runs(made)) == [first]
    await prefect.client.delete_deployment_schedule(made.id, made.ours)
    assert await prefect.runs(made) == []


async def test_a_deleted_deployment_takes_the_runs_that_have_not_begun(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    waiting, crashed = await prefect.requested(made, "a"), await prefect.requested(made, str(made.id))
    await prefect.client.set_flow_run_state(crashed.id, Crashed(), force=True)
    await prefect.client.delete_deployment(made.id)
    assert await read(prefect.client, [made.name]) == {}
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[waiting.id, crashed.id]))
    left = await prefect.client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.ID_DESC, limit=100)
    assert [(run.id, run.state_type) for run in left] == [(crashed.id, StateType.CRASHED)]
    with pytest.raises(ObjectNotFound):
        await prefect.client.delete_deployment(made.id)
    with pytest.raises(PrefectHTTPStatusError) as refused:
        await prefect.requested(made, "b")
    assert refused.value.response.status_code == 404


async def test_a_requested_run_is_made_once_a_key(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    key = str(uuid.uuid4())
    first, second = await prefect.requested(made, key), await prefect.requested(made, key)
    assert first.id == second.id
    assert not first.auto_scheduled
    assert first.parameters == {"schedule_id": made.name, "execution_id": key}
    assert first.state_type is StateType.SCHEDULED


async def test_runs_are_found_by_state_time_and_tags(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment(paused=True)
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    await prefect.plan(made, first, first + 2 * HOUR)
    run = await prefect.requested(made, str(uuid.uuid4()))
    await prefect.client.set_flow_run_state(run.id, Crashed(), force=True)
    assert [one.id for one in await prefect.runs(made, (StateType.CRASHED,))] == [run.id]
    span = FlowRunFilterExpectedStartTime(after_=first + HOUR, before_=first + 2 * HOUR)
    assert hours(await prefect.runs(made, expected_start_time=span)) == [first + HOUR, first + 2 * HOUR]
    assert [one.id for one in await prefect.runs(made, tags=FlowRunFilterTags(all_=["mailroom"]))][-1:] != []
    assert await prefect.runs(made, tags=FlowRunFilterTags(all_=["nobody's"])) == []


async def test_a_run_can_be_put_back(prefect: PrefectUnderTest) -> None:
    made = await prefect.deployment()
    run = await prefect.requested(made, str(uuid.uuid4()))
    await prefect.client.set_flow_run_state(run.id, Crashed(), force=True)
    later = datetime.now(UTC) + HOUR
    await prefect.client.set_flow_run_state(run.id, AwaitingRetry(scheduled_time=later), force=True)
    (found,) = await prefect.runs(made, (StateType.SCHEDULED,), id=FlowRunFilterId(any_=[run.id]))
    assert (found.next_scheduled_start_time, found.expected_start_time) == (later, run.expected_start_time)
    with pytest.raises(ObjectNotFound):
        await prefect.client.set_flow_run_state(UUID(int=1), Crashed(), force=True)


async def test_lists_count_page_and_leave_out(prefect: PrefectUnderTest) -> None:
    before = await count(prefect.client)
    one, two = await prefect.deployment(), await prefect.deployment()
    assert await count(prefect.client) == before + 2
    assert await count(prefect.client, [one.name, "nobody"]) == 1
    newest = await read_recent(prefect.client, limit=1)
    assert [found.name for found in newest] == [two.name]
    assert [found.name for found in await read_recent(prefect.client, limit=1, offset=1)] == [one.name]
    others = {found.name for found in await read_others(prefect.client, [str(one.id)])}
    assert one.name not in others
    assert two.name in others
