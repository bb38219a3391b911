"""Read the caller's notifications."""

from __future__ import annotations

from api.actions.caller import Caller
from api.actions.notifications.views import NotificationView
from api.actions.view import PageView
from mailroom.notifications import repository as notifications


async def page(caller: Caller, *, unread: bool, cursor: str | None, limit: int) -> PageView[NotificationView]:
    """Return one page of the notifications that the caller may see, newest first."""
    async with caller.session() as session:
        found = await notifications.list_page(session, viewer=caller.viewer, cursor=cursor, limit=limit, unread=unread)
    return PageView(items=[NotificationView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)
