"""Say who may read a schedule, and who may use a connection."""

from __future__ import annotations

from api.actions.caller import Caller
from mailroom.access.sharing import Audience, GrantedTo
from mailroom.connections import grants
from mailroom.schedules.ownership import shares


async def shares_of(caller: Caller, schedule_id: str) -> Audience:
    """Return with whom a schedule is shared.

    Raises:
        NotFound, Forbidden.
    """
    async with caller.session() as session:
        return await shares.read(session, schedule_id, caller.context)


async def share(caller: Caller, schedule_id: str, wanted: Audience) -> Audience:
    """Share a schedule for reading with these and nobody else.

    Raises:
        NotFound, Forbidden, Invalid.
    """
    return await caller.transact(lambda session: shares.replace(session, schedule_id, wanted, caller.context))


async def grants_of(caller: Caller, name: str) -> GrantedTo:
    """Return who may use a connection.

    Raises:
        NotFound, Forbidden.
    """
    async with caller.session() as session:
        return await grants.read(session, name, caller.context)


async def grant(caller: Caller, name: str, wanted: GrantedTo) -> GrantedTo:
    """Let these use a connection, and nobody else but admins.

    Raises:
        NotFound, Forbidden, Invalid.
    """
    return await caller.transact(lambda session: grants.replace(session, name, wanted, caller.context))
