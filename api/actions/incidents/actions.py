"""Look at incidents, take note of one, and mute it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.incidents.present import incident_detail, incident_view
from api.actions.incidents.views import IncidentDetail, IncidentView
from api.actions.view import PageView
from mailroom.context import Context
from mailroom.incidents import repository as incidents
from mailroom.incidents import service
from mailroom.incidents.repository import Concerned, IncidentFilter
from mailroom.storage.model.upkeep.incidents import Incident


async def page(caller: Caller, wanted: IncidentFilter, *, cursor: str | None, limit: int) -> PageView[IncidentView]:
    """Return one page of the incidents that the caller sees, the latest first."""
    async with caller.session() as session:
        found = await incidents.list_page(session, viewer=caller.viewer, wanted=wanted, cursor=cursor, limit=limit)
        concerned = await incidents.concerned(session, [row.id for row in found.items], viewer=caller.viewer)
    views = [incident_view(row, concerned.get(row.id, Concerned()), caller) for row in found.items]
    return PageView(items=views, next_cursor=found.next_cursor)


async def read(caller: Caller, incident_id: str) -> IncidentDetail:
    """Return one incident with the alerts about it.

    Raises:
        NotFound.
    """
    async with caller.session() as session:
        row = await service.get(session, incident_id, viewer=caller.viewer)
        return await _detail(session, row, caller)


async def acknowledge(caller: Caller, incident_id: str) -> IncidentDetail:
    """Note that the caller has taken note of an incident.

    Raises:
        NotFound, Forbidden, Conflict.
    """
    return await _change(caller, lambda session, context: service.acknowledge(session, incident_id, context))


async def mute(caller: Caller, incident_id: str, until: datetime) -> IncidentDetail:
    """Tell nothing more of an incident until a moment.

    Raises:
        NotFound, Forbidden, Invalid, Conflict.
    """
    return await _change(caller, lambda session, context: service.mute(session, incident_id, until, context))


async def unmute(caller: Caller, incident_id: str) -> IncidentDetail:
    """Tell of an incident again.

    Raises:
        NotFound, Forbidden, Conflict.
    """
    return await _change(caller, lambda session, context: service.unmute(session, incident_id, context))


async def _change(caller: Caller, change: Callable[[AsyncSession, Context], Awaitable[Incident]]) -> IncidentDetail:
    async def body(session: AsyncSession) -> IncidentDetail:
        row = await change(session, caller.context)
        await session.flush()
        return await _detail(session, row, caller)

    return await caller.transact(body)


async def _detail(session: AsyncSession, row: Incident, caller: Caller) -> IncidentDetail:
    concerned = await incidents.concerned(session, [row.id], viewer=caller.viewer)
    view = incident_view(row, concerned.get(row.id, Concerned()), caller)
    return incident_detail(view, await incidents.alerts_of(session, row.id), caller)
