"""Say what the caller may do about an incident, for the buttons of its page."""

from __future__ import annotations

from api.actions.caller import Caller
from mailroom.access.permissions import Action
from mailroom.incidents import service


async def may_handle(caller: Caller, incident_id: str) -> bool:
    """Tell whether the caller may take note of an incident and mute it.

    Raises:
        NotFound.
    """
    async with caller.session() as session:
        row = await service.get(session, incident_id, viewer=caller.viewer)
        relation = await service.relation(session, row, caller.viewer)
    return caller.viewer.may(Action.INCIDENT_ACKNOWLEDGE, relation) and caller.viewer.may(
        Action.INCIDENT_MUTE, relation
    )
