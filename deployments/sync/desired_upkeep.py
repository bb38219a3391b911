"""Describe the deployment of the upkeep, the only one of ours that belongs to no schedule. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule

from deployments.sync.desired import pull_steps
from mailroom.settings import CHECKOUT, Settings

UPKEEP_NAME = "upkeep"
UPKEEP_ENTRYPOINT = "flows/upkeep.py:upkeep"
UPKEEP_SLUG = "every-minute"
UPKEEP_CRON = CronSchedule(cron="* * * * *", timezone="UTC")
UPKEEP_DESCRIPTION = (
    "Checks that every due time is in the ledger, starts waiting executions, and recovers runs whose process died."
)
UPKEEP_TAGS = ("mailroom-upkeep",)


@dataclass(frozen=True, slots=True)
class DesiredUpkeep:
    """The part of the upkeep's deployment that depends on the settings; the constants above are the rest."""

    work_pool: str
    directory: str


def desired_upkeep(settings: Settings) -> DesiredUpkeep:
    """Return the upkeep's deployment as it should be: run from this checkout, on our work pool."""
    return DesiredUpkeep(work_pool=settings.work_pool, directory=str(CHECKOUT))


def upkeep_differs(desired: DesiredUpkeep, observed: DeploymentResponse) -> bool:
    """Tell whether the deployment would run something else, or elsewhere, or at other times than it should.

    A pause is a person's wish, so it makes no difference.
    """
    schedules = [(schedule.slug, schedule.schedule) for schedule in observed.schedules]
    shown = (observed.entrypoint, observed.work_pool_name, observed.pull_steps, schedules)
    return shown != (UPKEEP_ENTRYPOINT, desired.work_pool, pull_steps(desired.directory), [(UPKEEP_SLUG, UPKEEP_CRON)])
