"""Read what users should know from the database."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import schedule_ids
from mailroom.access.viewer import Viewer
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import Notification


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the notifications that the viewer may see: own ones, and those about schedules that the
    viewer sees.
    """
    if viewer.sees_all:
        return true()
    return or_(Notification.user_id == viewer.user_id, Notification.schedule_id.in_(schedule_ids(viewer)))


async def list_page(
    session: AsyncSession, *, viewer: Viewer, cursor: str | None = None, limit: int = 50, unread: bool = False
) -> Page[Notification]:
    """Return the viewer's notifications, newest first."""
    query = select(Notification).where(visible_to(viewer))
    if unread:
        query = query.where(Notification.read_at.is_(None))
    return await page(session, query, Notification.at, Notification.id, cursor=cursor, limit=limit, descending=True)
