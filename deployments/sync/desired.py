"""The deployment that a schedule should have in Prefect. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployments.sync.prefect_cron import cron_of
from mailroom.schedules import lifecycle
from mailroom.schedules.spec import stored_spec
from mailroom.settings import CHECKOUT, Settings
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule

FLOW_NAME = "report-export"
ENTRYPOINT = "flows/report_export.py:report_export"
SCHEDULE_SLUG = "timing"


@dataclass(frozen=True, slots=True)
class Desired:
    """A deployment as it should be; `cron` None means that nothing fires by itself.

    `cron` fires on every occurrence of the timing and, where five fields cannot say it, on more; the run's claim
    ends what is not an occurrence.
    """

    name: str
    description: str
    tags: tuple[str, ...]
    parameters: dict[str, Any]
    cron: str | None
    timezone: str
    paused: bool
    entrypoint: str
    work_pool: str
    directory: str
    generation: int


def schedule_tag(schedule_id: str) -> str:
    """Return the tag by which a schedule's runs are found, even when the deployment is gone."""
    return f"schedule:{schedule_id}"


def pull_steps(directory: str) -> list[dict[str, Any]]:
    """Return the steps that run a flow from a directory as it is; without them, Prefect copies the folder each time."""
    return [{"prefect.deployments.steps.set_working_directory": {"directory": directory}}]


def desired(schedule: Schedule, settings: Settings) -> Desired | None:
    """Return the deployment that a schedule should have, or None for a deleted one.

    While its deletion can be undone, it is only paused: the runs that wait for another try stay.
    """
    if lifecycle.is_gone(schedule):
        return None
    timing = stored_spec(schedule).timing
    cron = cron_of(timing)
    return Desired(
        name=schedule.id,
        description=f"{schedule.name}\n\nManaged by Mailroom: change the schedule there.",
        tags=("mailroom", f"report:{schedule.report_id}", schedule_tag(schedule.id)),
        parameters={"schedule_id": schedule.id},
        cron=cron.expression if cron else None,
        timezone=cron.timezone if cron else timing.timezone,
        paused=schedule.state is not ScheduleState.ACTIVE,
        entrypoint=ENTRYPOINT,
        work_pool=settings.work_pool,
        directory=str(CHECKOUT),
        generation=schedule.generation,
    )
