"""The only writer of deployments.

A deployment is created by POST once and changed by PATCH for good: POST gives its schedules new ids, and a run's
idempotency key contains that id, so an upsert could fire one occurrence twice (PrefectHQ/prefect#18894).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentScheduleUpdate, DeploymentUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from deployments.desired import FLOW_NAME, SCHEDULE_SLUG, Desired, schedule_tag
from deployments.diff import Action, Create, Delete, Update
from reports.tables import Execution, Schedule

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


def _pull_steps(desired: Desired) -> list[dict[str, Any]]:
    """Run from the checkout as it is; without this, Prefect copies the whole folder for each run."""
    return [{"prefect.deployments.steps.set_working_directory": {"directory": desired.directory}}]


async def apply(client: PrefectClient, action: Action) -> UUID | None:
    """Carry out one action; returns the deployment's id, None after a deletion."""
    match action:
        case Create(desired):
            return await _create(client, desired)
        case Update(desired, observed, fields):
            await _update(client, desired, observed.id, fields)
            return observed.id
        case Delete(observed):
            try:
                await client.delete_deployment(observed.id)
            except ObjectNotFound:
                return None  # Somebody was faster; it is gone, which is what we want.
            return None


async def _create(client: PrefectClient, desired: Desired) -> UUID:
    flow_id = await client.create_flow_from_name(FLOW_NAME)
    cron = _cron(desired)
    return await client.create_deployment(
        flow_id=flow_id,
        name=desired.name,
        description=desired.description,
        tags=list(desired.tags),
        parameters=desired.parameters,
        schedules=[DeploymentScheduleCreate(slug=SCHEDULE_SLUG, schedule=cron, active=True)] if cron else [],
        paused=desired.paused,
        entrypoint=desired.entrypoint,
        work_pool_name=desired.work_pool,
        pull_steps=_pull_steps(desired),
        parameter_openapi_schema=_PARAMETERS,
        enforce_parameter_schema=True,
    )


async def _update(client: PrefectClient, desired: Desired, deployment_id: UUID, fields: frozenset[str]) -> None:
    """Send the fields that differ alone: each PATCH that carries schedules throws away the runs inserted ahead."""
    values: dict[str, Any] = {}
    if fields & {"description"}:
        values["description"] = desired.description
    if fields & {"parameters"}:
        values["parameters"] = desired.parameters
    if fields & {"paused"}:
        values["paused"] = desired.paused
    if fields & {"entrypoint"}:
        values["entrypoint"] = desired.entrypoint
    if fields & {"work_pool"}:
        values["work_pool_name"] = desired.work_pool
    if fields & {"directory"}:
        values["pull_steps"] = _pull_steps(desired)
    if fields & {"cron", "timezone", "schedules"}:
        cron = _cron(desired)
        update = DeploymentScheduleUpdate(slug=SCHEDULE_SLUG, schedule=cron, active=True) if cron else None
        values["schedules"] = [update] if update else []
    values["tags"] = list(desired.tags)
    await client.update_deployment(deployment_id, DeploymentUpdate(**values))


async def submit(client: PrefectClient, deployment_id: UUID, schedule: Schedule, execution: Execution) -> FlowRun:
    """Create the flow run of a requested execution, once: its id is the idempotency key."""
    kind = str(execution.kind).replace("_", " ")
    return await client.create_flow_run_from_deployment(
        deployment_id,
        parameters={"schedule_id": schedule.id, "execution_id": execution.id},
        state=Scheduled(),
        name=f"{schedule.name} · {kind}"[:200],
        tags=["mailroom", f"kind:{execution.kind}", schedule_tag(schedule.id)],
        idempotency_key=execution.id,
    )
