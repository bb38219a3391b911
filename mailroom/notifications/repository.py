"""Read what users should know from the database."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.paging import Page, page
from mailroom.storage.tables import Notification


async def list_page(
    session: AsyncSession, *, user_id: str, cursor: str | None = None, limit: int = 50, unread: bool = False
) -> Page[Notification]:
    """Return a page of a user's notifications, newest first."""
    query = select(Notification).where(Notification.user_id == user_id)
    if unread:
        query = query.where(Notification.read_at.is_(None))
    return await page(session, query, Notification.at, Notification.id, cursor=cursor, limit=limit, descending=True)
