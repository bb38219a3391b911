"""Read the caller's notifications, and mark them as read."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.notifications.views import MarkedView, NotificationView
from api.actions.view import PageView
from mailroom.access.permissions import Action
from mailroom.notifications import repository as notifications


class ReadRequest(BaseModel):
    """Say which of your notifications are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: AwareDatetime | None = Field(
        default=None, description="Only those up to this time, such as that of the newest one that you have seen."
    )
    schedule_id: str | None = Field(default=None, max_length=36, description="Only those about this schedule.")


async def page(
    caller: Caller,
    *,
    cursor: str | None,
    limit: int,
    unread: bool = False,
    own: bool = False,
    kinds: Collection[str] = (),
    schedule_id: str | None = None,
) -> PageView[NotificationView]:
    """Return one page of the notifications that the caller may see, newest first."""
    async with caller.session() as session:
        found = await notifications.list_page(
            session,
            viewer=caller.viewer,
            cursor=cursor,
            limit=limit,
            unread=unread,
            own=own,
            kinds=kinds,
            schedule_id=schedule_id,
        )
    return PageView(items=[NotificationView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


async def mark(
    caller: Caller, notification_id: str, remember: Remember[NotificationView] = forget, *, read: bool
) -> NotificationView:
    """Mark one of the caller's notifications as read, or as unread; doing it again changes nothing.

    Raises:
        NotFound: there is none of that id, for the caller.
        Forbidden: it is somebody else's.
    """

    async def change(session: AsyncSession) -> NotificationView:
        doing = Action.NOTIFICATION_MARK
        row = await notifications.get(session, notification_id, viewer=caller.viewer, doing=doing)
        row.read_at = (row.read_at or caller.context.now) if read else None
        view = NotificationView.model_validate(row)
        await remember(session, view)
        return view

    return await caller.transact(change)


async def mark_all(caller: Caller, wanted: ReadRequest, remember: Remember[MarkedView] = forget) -> MarkedView:
    """Mark the caller's notifications as read, all or those up to a time or about a schedule."""

    async def change(session: AsyncSession) -> MarkedView:
        marked = await notifications.read_all(
            session,
            viewer=caller.viewer,
            until=wanted.until,
            schedule_id=wanted.schedule_id,
            now=caller.context.now,
        )
        view = MarkedView(marked=marked)
        await remember(session, view)
        return view

    return await caller.transact(change)


async def unread(caller: Caller) -> int:
    """Count what the caller has not read, up to `notifications.MOST_COUNTED`."""
    async with caller.session() as session:
        return await notifications.unread(session, viewer=caller.viewer)
