"""Look at schedules."""

from __future__ import annotations

from api.actions.caller import Caller
from api.actions.schedules.filters import ScheduleFilter, Sort
from api.actions.schedules.present import schedule_detail, schedule_views
from api.actions.schedules.views import ScheduleView
from api.actions.view import PageView
from mailroom.schedules import repository as stored


async def page(
    caller: Caller, wanted: ScheduleFilter, *, cursor: str | None, limit: int, sort: Sort
) -> PageView[ScheduleView]:
    """Return one page of the schedules that match."""
    async with caller.session() as session:
        found = await stored.list_page(
            session, viewer=caller.viewer, cursor=cursor, limit=limit, sort=sort, choice=wanted.choice()
        )
        views = await schedule_views(session, found.items, caller.context)
    return PageView(items=views, next_cursor=found.next_cursor)


async def read(caller: Caller, schedule_id: str) -> ScheduleView:
    """Return one schedule with its conflicts; also a deleted one while its deletion can be undone.

    Raises:
        NotFound: there is none of that id.
    """
    async with caller.session() as session:
        row = await stored.get(session, schedule_id, viewer=caller.viewer, undoable_at=caller.context.now)
        return await schedule_detail(session, row, caller.context)
