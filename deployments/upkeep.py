"""The deployment that runs `flows/upkeep.py` every minute. Made where it is missing, mended where it differs."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentScheduleUpdate, DeploymentUpdate
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound

from mailroom.settings import CHECKOUT, Settings

NAME = "upkeep"
ENTRYPOINT = "flows/upkeep.py:upkeep"
_SLUG = "every-minute"
_CRON = CronSchedule(cron="* * * * *", timezone="UTC")
_DESCRIPTION = "Compares what was due with the ledger, hands over what waits and puts back runs whose process died."


async def ensure(client: PrefectClient, settings: Settings) -> tuple[UUID, bool]:
    """The deployment's id, and whether something was done. A pause by a person stays.

    Raises:
        ObjectNotFound: there is no such work pool.
    """
    steps = [{"prefect.deployments.steps.set_working_directory": {"directory": str(CHECKOUT)}}]
    try:
        found = await client.read_deployment_by_name(f"{NAME}/{NAME}")
    except ObjectNotFound:
        made = await client.create_deployment(
            flow_id=await client.create_flow_from_name(NAME),
            name=NAME,
            description=_DESCRIPTION,
            tags=["mailroom-upkeep"],
            schedules=[DeploymentScheduleCreate(slug=_SLUG, schedule=_CRON, active=True)],
            entrypoint=ENTRYPOINT,
            work_pool_name=settings.work_pool,
            pull_steps=steps,
        )
        return made, True
    there = [(one.slug, one.schedule) for one in found.schedules]
    wanted = (ENTRYPOINT, settings.work_pool, steps, [(_SLUG, _CRON)])
    if (found.entrypoint, found.work_pool_name, found.pull_steps, there) == wanted:
        return found.id, False
    update = DeploymentUpdate(
        entrypoint=ENTRYPOINT,
        work_pool_name=settings.work_pool,
        pull_steps=steps,
        schedules=[DeploymentScheduleUpdate(slug=_SLUG, schedule=_CRON, active=True)],
    )
    await client.update_deployment(found.id, update)
    return found.id, True
