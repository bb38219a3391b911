"""Keeps the deployment that runs `flows/upkeep.py` every minute: makes it where it is missing, mends what differs."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from deployments.sync.apply import create_upkeep, update_upkeep
from deployments.sync.desired_upkeep import UPKEEP_NAME, desired_upkeep, upkeep_differs
from mailroom.settings import Settings


async def ensure(client: PrefectClient, settings: Settings) -> tuple[UUID, bool]:
    """Return the deployment's id, and whether something had to be written. A pause by a person stays.

    Raises:
        ObjectNotFound: there is no such work pool.
    """
    desired = desired_upkeep(settings)
    try:
        observed = await client.read_deployment_by_name(f"{UPKEEP_NAME}/{UPKEEP_NAME}")
    except ObjectNotFound:
        return await create_upkeep(client, desired), True
    if not upkeep_differs(desired, observed):
        return observed.id, False
    await update_upkeep(client, observed.id, desired)
    return observed.id, True
