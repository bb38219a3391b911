"""Let the caller mute schedules."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.notifications.views import MuteView
from api.actions.view import PageView
from mailroom.notifications import mutes
from mailroom.notifications.mutes import MuteRequest
from mailroom.storage.tables import NotificationMute


async def page(caller: Caller) -> PageView[MuteView]:
    """Return the schedules that the caller has muted, by name; they are few."""
    async with caller.session() as session:
        found = await mutes.listed(session, caller.viewer.user_id, at=caller.context.now)
    return PageView(items=[_view(row, name) for row, name in found])


async def mute(caller: Caller, wanted: MuteRequest, remember: Remember[MuteView] = forget) -> MuteView:
    """Mute a schedule that the caller sees; a second time, it replaces how long.

    Raises:
        NotFound: there is no such schedule, for the caller.
        Invalid: the time is past.
        Conflict: the caller has muted as many schedules as a user may.
    """

    async def change(session: AsyncSession) -> MuteView:
        view = _view(*await mutes.mute(session, wanted, caller.context))
        await remember(session, view)
        return view

    return await caller.transact(change)


async def unmute(caller: Caller, schedule_id: str) -> None:
    """Be told about a schedule again; one that is not muted stays so."""
    await caller.transact(lambda session: mutes.unmute(session, schedule_id, caller.context))


def _view(row: NotificationMute, name: str) -> MuteView:
    return MuteView(schedule_id=row.schedule_id, schedule_name=name, until=row.until, created_at=row.created_at)
