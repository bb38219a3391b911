"""The only writer of deployments.

A deployment is created by POST once and changed by PATCH for good: POST gives its schedules new ids, and a run's
idempotency key contains that id, so an upsert could fire one occurrence twice (PrefectHQ/prefect#18894).
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentScheduleUpdate, DeploymentUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from deployments.sync.deployment_mark import DeploymentMark, digest_of, signed
from deployments.sync.desired import FLOW_NAME, SCHEDULE_SLUG, Desired, pull_steps, schedule_tag
from deployments.sync.desired_own import DesiredOwn
from deployments.sync.diff import Action, Create, Delete, Update, shown_by
from deployments.sync.observed import Observed
from mailroom.storage.tables import Execution, Schedule

_NEAR = timedelta(minutes=2)
_PARAMETERS = {
    "title": "Parameters",
    "type": "object",
    "required": ["schedule_id"],
    "properties": {
        "schedule_id": {"title": "schedule_id", "type": "string", "position": 0},
        "execution_id": {"title": "execution_id", "type": "string", "position": 1},
    },
}


def _cron(desired: Desired) -> CronSchedule | None:
    return CronSchedule(cron=desired.cron, timezone=desired.timezone) if desired.cron else None


def description_of(desired: Desired) -> str:
    """Return the text of a deployment's description, with the mark; see `deployments.sync.deployment_mark`."""
    return signed(desired.description, DeploymentMark(desired.generation, desired.paused, digest_of(shown_by(desired))))


async def apply(client: PrefectClient, action: Action, *, due: datetime | None, now: datetime) -> UUID | None:
    """Carry out one action; returns the deployment's id, None after a deletion.

    `due` is the schedule's next due time: where it is near, Prefect is told to plan it at once, see `_plan`.
    """
    match action:
        case Create(desired):
            deployment_id = await _create(client, desired)
        case Update(desired, observed, fields):
            await _update(client, desired, observed, fields)
            deployment_id = observed.id
        case Delete(observed):
            await remove(client, observed.id)
            return None
    if desired.cron and not desired.paused and due is not None and due - now < _NEAR:
        await _plan(client, deployment_id, begin=max(min(now, due), now - _NEAR), end=now + _NEAR)
    return deployment_id


async def remove(client: PrefectClient, deployment_id: UUID) -> None:
    """Delete a deployment; one that is gone already is no error."""
    with contextlib.suppress(ObjectNotFound):
        await client.delete_deployment(deployment_id)


async def _plan(client: PrefectClient, deployment_id: UUID, *, begin: datetime, end: datetime) -> None:
    """Have Prefect insert the next runs now.

    Each change of a deployment throws away the runs that Prefect had inserted, and its scheduler makes new ones seconds
    later, from that later time on: what was due in between is lost. A run that is there already is not made twice.
    """
    planned = {"start_time": begin.isoformat(), "end_time": end.isoformat()}
    answer = await client.request("POST", f"/deployments/{deployment_id}/schedule", json=planned)  # type: ignore[arg-type]  # a path, not its template
    answer.raise_for_status()


async def _create(client: PrefectClient, desired: Desired) -> UUID:
    flow_id = await client.create_flow_from_name(FLOW_NAME)
    cron = _cron(desired)
    return await client.create_deployment(
        flow_id=flow_id,
        name=desired.name,
        description=description_of(desired),
        tags=list(desired.tags),
        parameters=desired.parameters,
        schedules=[DeploymentScheduleCreate(slug=SCHEDULE_SLUG, schedule=cron, active=True)] if cron else [],
        paused=desired.paused,
        entrypoint=desired.entrypoint,
        work_pool_name=desired.work_pool,
        pull_steps=pull_steps(desired.directory),
        parameter_openapi_schema=_PARAMETERS,
        enforce_parameter_schema=True,
    )


async def _update(client: PrefectClient, desired: Desired, observed: Observed, fields: frozenset[str]) -> None:
    """Send only the fields that differ: a PATCH that carries schedules without need gives them new ids at times."""
    unwanted = observed.extra if desired.cron or not observed.ours else (*observed.extra, observed.ours)
    for schedule_id in unwanted:
        # First: PATCH leaves schedules of another slug alone, and recreates all where one has none.
        with contextlib.suppress(ObjectNotFound):
            await client.delete_deployment_schedule(observed.id, schedule_id)
    # The mark says whether it is paused: both go in one request, or two writers at once could leave a mark that lies.
    values: dict[str, Any] = {
        "description": description_of(desired),
        "tags": list(desired.tags),
        "paused": desired.paused,
    }
    if fields & {"parameters"}:
        values["parameters"] = desired.parameters
    if fields & {"entrypoint"}:
        values["entrypoint"] = desired.entrypoint
    if fields & {"work_pool"}:
        values["work_pool_name"] = desired.work_pool
    if fields & {"directory"}:
        values["pull_steps"] = pull_steps(desired.directory)
    if fields & {"job_variables"}:
        values["job_variables"] = {}
    if cron := _cron(desired) if fields & {"cron", "timezone", "active", "extra schedules"} else None:
        update = DeploymentScheduleUpdate(slug=SCHEDULE_SLUG, schedule=cron, active=True, parameters={})
        values["schedules"] = [update]
    await client.update_deployment(observed.id, DeploymentUpdate(**values))


async def submit(
    client: PrefectClient,
    deployment_id: UUID,
    schedule: Schedule,
    execution: Execution,
    *,
    at: datetime | None = None,
    key: str = "",
) -> FlowRun:
    """Create the flow run of a requested execution, once: its id is the idempotency key.

    Args:
        at: when the run is to begin; at once without it.
        key: another idempotency key, for a run after the execution's first one.
    """
    kind = str(execution.kind).replace("_", " ")
    return await client.create_flow_run_from_deployment(
        deployment_id,
        parameters={"schedule_id": schedule.id, "execution_id": execution.id},
        state=Scheduled(scheduled_time=at),
        name=f"{schedule.name} · {kind}"[:200],
        tags=["mailroom", f"kind:{execution.kind}", schedule_tag(schedule.id)],
        idempotency_key=key or execution.id,
    )


async def create_own(client: PrefectClient, desired: DesiredOwn) -> UUID:
    """Create the deployment of a flow of ours; returns its id.

    Raises:
        ObjectNotFound: there is no such work pool.
    """
    flow = desired.flow
    return await client.create_deployment(
        flow_id=await client.create_flow_from_name(flow.name),
        name=flow.name,
        description=flow.description,
        tags=[flow.tag],
        schedules=[DeploymentScheduleCreate(slug=flow.slug, schedule=flow.schedule, active=True)],
        entrypoint=flow.entrypoint,
        work_pool_name=desired.work_pool,
        pull_steps=pull_steps(desired.directory),
    )


async def update_own(client: PrefectClient, deployment_id: UUID, desired: DesiredOwn) -> None:
    """Give the deployment of a flow of ours its place and its times again; whether it is paused stays as it is."""
    flow = desired.flow
    update = DeploymentUpdate(
        entrypoint=flow.entrypoint,
        work_pool_name=desired.work_pool,
        pull_steps=pull_steps(desired.directory),
        schedules=[DeploymentScheduleUpdate(slug=flow.slug, schedule=flow.schedule, active=True)],
    )
    await client.update_deployment(deployment_id, update)
