"""What Prefect shows for some schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, FlowFilter, FlowFilterName
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule

from deployments.desired import FLOW_NAME, SCHEDULE_SLUG


@dataclass(frozen=True, slots=True)
class Observed:
    """A deployment as it is. `cron` is None unless exactly our one schedule is there and active."""

    id: UUID
    name: str
    description: str
    tags: tuple[str, ...]
    parameters: dict[str, Any]
    cron: str | None
    timezone: str | None
    schedules: int
    paused: bool
    entrypoint: str | None
    work_pool: str | None
    directory: str | None


def _directory(steps: list[dict[str, Any]] | None) -> str | None:
    """The working directory that the pull steps set."""
    for step in steps or []:
        for name, inputs in step.items():
            if name.endswith("set_working_directory"):
                return str(inputs.get("directory"))
    return None


def observe(deployment: DeploymentResponse) -> Observed:
    """What matters to us of Prefect's answer. Pure."""
    ours = [schedule for schedule in deployment.schedules if schedule.slug == SCHEDULE_SLUG and schedule.active]
    cron = ours[0].schedule if len(ours) == 1 and isinstance(ours[0].schedule, CronSchedule) else None
    return Observed(
        id=deployment.id,
        name=deployment.name,
        description=deployment.description or "",
        tags=tuple(sorted(deployment.tags)),
        parameters=deployment.parameters,
        cron=cron.cron if cron else None,
        timezone=cron.timezone if cron else None,
        schedules=len(deployment.schedules),
        paused=deployment.paused,
        entrypoint=deployment.entrypoint,
        work_pool=deployment.work_pool_name,
        directory=_directory(deployment.pull_steps),
    )


async def read(client: PrefectClient, names: Sequence[str]) -> dict[str, Observed]:
    """The deployments of these schedule ids that exist, by name. At most 200 names a call."""
    found = await client.read_deployments(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW_NAME])),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=list(names))),
        limit=200,
    )
    return {deployment.name: observe(deployment) for deployment in found}
