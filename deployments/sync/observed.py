"""Reads the deployments that Prefect has for our schedules.

They are read as plain JSON: ten thousand deployments as Prefect's models would take minutes of CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient

from deployments.sync.deployment_mark import DeploymentMark, unsigned
from deployments.sync.desired import FLOW_NAME, SCHEDULE_SLUG

PAGE = 200
"""Deployments a request, Prefect's limit."""
OUR_FLOW = {"name": {"any_": [FLOW_NAME]}}


@dataclass(frozen=True, slots=True)
class Observed:
    """A deployment as it is.

    Attributes:
        cron: of our schedule, None where there is none; in words where it is no plain cron.
        ours: the id of our schedule.
        active: whether our schedule is switched on; True where there is none.
        extra: ids of schedules that are not ours.
        description: without the mark, which is in `mark`; None where there is none of ours.
        updated: Prefect's own time of the last change; it misses changes of schedules.
        updated_by: whom Prefect names for the last change, or "".
    """

    id: UUID
    name: str
    description: str
    tags: tuple[str, ...]
    parameters: dict[str, Any]
    cron: str | None
    timezone: str | None
    ours: UUID | None
    active: bool
    extra: tuple[UUID, ...]
    paused: bool
    entrypoint: str | None
    work_pool: str | None
    directory: str | None
    job_variables: dict[str, Any]
    mark: DeploymentMark | None
    updated: datetime
    updated_by: str


def _directory(steps: list[dict[str, Any]] | None) -> str | None:
    """Return the working directory that the pull steps set, or None where a step of another kind makes it unknown."""
    if len(steps or []) != 1:
        return None
    ((name, inputs),) = (steps or [{}])[0].items()
    return str(inputs.get("directory")) if name.endswith("set_working_directory") else None


def observe(deployment: dict[str, Any]) -> Observed:
    """Return what matters to us of Prefect's answer. Pure."""
    schedules = deployment["schedules"]
    description, mark = unsigned(deployment["description"] or "")
    ours = next((schedule for schedule in schedules if schedule["slug"] == SCHEDULE_SLUG), None)
    timing = ours["schedule"] if ours else {}
    cron = timing.get("cron", "no cron") if ours else None
    if ours and (ours["parameters"] or not timing.get("day_or", True)):
        cron = f"{cron}, with additional settings"
    return Observed(
        id=UUID(deployment["id"]),
        name=deployment["name"],
        description=description,
        tags=tuple(sorted(deployment["tags"])),
        parameters=deployment["parameters"],
        cron=cron,
        timezone=timing.get("timezone"),
        ours=UUID(ours["id"]) if ours else None,
        active=bool(ours["active"]) if ours else True,
        extra=tuple(UUID(schedule["id"]) for schedule in schedules if schedule is not ours),
        paused=deployment["paused"],
        entrypoint=deployment["entrypoint"],
        work_pool=deployment["work_pool_name"],
        directory=_directory(deployment["pull_steps"]),
        job_variables=deployment["job_variables"] or {},
        mark=mark,
        updated=datetime.fromisoformat(deployment["updated"]),
        updated_by=(deployment["updated_by"] or {}).get("display_value") or "",
    )


async def read(client: PrefectClient, names: Sequence[str]) -> dict[str, Observed]:
    """Return the deployments of these schedule ids that exist, by name. At most `PAGE` names a call."""
    return {found.name: found for found in await _filtered(client, deployments={"name": {"any_": list(names)}})}


async def read_recent(client: PrefectClient, *, limit: int, offset: int = 0) -> list[Observed]:
    """Return deployments of our flow, last changed first; Prefect does not count a change of a schedule alone."""
    return await _filtered(client, sort="UPDATED_DESC", limit=limit, offset=offset)


async def read_others(client: PrefectClient, known: Sequence[str]) -> list[Observed]:
    """Return the first `PAGE` deployments of our flow except the known ones, which may be 30,000 at most."""
    return await _filtered(client, deployments={"id": {"not_any_": list(known)}})


async def count(client: PrefectClient, names: Sequence[str] | None = None) -> int:
    """Return how many deployments of our flow there are, or how many have one of these names."""
    wanted = {"deployments": {"name": {"any_": list(names)}}} if names is not None else {}
    answer = await client.request("POST", "/deployments/count", json={"flows": OUR_FLOW, **wanted})
    answer.raise_for_status()
    return int(answer.json())


async def _filtered(client: PrefectClient, **query: Any) -> list[Observed]:
    answer = await client.request("POST", "/deployments/filter", json={"flows": OUR_FLOW, "limit": PAGE, **query})
    answer.raise_for_status()
    return [observe(deployment) for deployment in answer.json()]
