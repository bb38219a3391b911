"""Keep the deployments of our own flows, such as the upkeep: make what is missing, mend what differs."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from deployments.sync.apply import create_own, update_own
from deployments.sync.desired_own import OWN_FLOWS, OwnFlow, desired_own, own_differs
from mailroom.settings import Settings


async def ensure(client: PrefectClient, settings: Settings, flow: OwnFlow) -> tuple[UUID, bool]:
    """Return the id of a flow's deployment, and whether something had to be written. A pause by a person stays.

    Raises:
        ObjectNotFound: there is no such work pool.
    """
    desired = desired_own(flow, settings)
    try:
        observed = await client.read_deployment_by_name(f"{flow.name}/{flow.name}")
    except ObjectNotFound:
        return await create_own(client, desired), True
    if not own_differs(desired, observed):
        return observed.id, False
    await update_own(client, observed.id, desired)
    return observed.id, True


async def ensure_all(client: PrefectClient, settings: Settings) -> list[OwnFlow]:
    """Make and mend the deployments of all of them; return those that had to be written.

    Raises:
        ObjectNotFound: there is no such work pool.
    """
    return [flow for flow in OWN_FLOWS if (await ensure(client, settings, flow))[1]]
