"""Read and mark what users should know in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.reach import schedule_ids
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.notifications.mutes import stands
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import Notification, NotificationMute, User

MOST_COUNTED = 100
"""The most unread notifications that the bell counts; whoever has more reads that there are more."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who may be told something: the stored preferences, the time zone, and the schedules that are muted."""

    preferences: Mapping[str, Any]
    timezone: str
    muted: set[str] = field(default_factory=set)


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the notifications that the viewer may see: own ones, and those about schedules that the
    viewer sees.
    """
    if viewer.sees_all:
        return true()
    return or_(Notification.user_id == viewer.user_id, Notification.schedule_id.in_(schedule_ids(viewer)))


async def list_page(
    session: AsyncSession,
    *,
    viewer: Viewer,
    cursor: str | None = None,
    limit: int = 50,
    unread: bool = False,
    own: bool = False,
    kinds: Collection[str] = (),
    schedule_id: str | None = None,
) -> Page[Notification]:
    """Return the viewer's notifications, newest first; with `own` only those that were meant for the viewer."""
    query = select(Notification).where(visible_to(viewer))
    if own:
        query = query.where(Notification.user_id == viewer.user_id)
    if unread:
        query = query.where(Notification.read_at.is_(None))
    if kinds:
        query = query.where(Notification.kind.in_(kinds))
    if schedule_id:
        query = query.where(Notification.schedule_id == schedule_id)
    return await page(session, query, Notification.at, Notification.id, cursor=cursor, limit=limit, descending=True)


async def unread(session: AsyncSession, *, viewer: Viewer) -> int:
    """Count what the viewer was told and has not read, up to `MOST_COUNTED`."""
    some = select(Notification.at).where(Notification.user_id == viewer.user_id, Notification.read_at.is_(None))
    return (await session.scalars(select(func.count()).select_from(some.limit(MOST_COUNTED).subquery()))).one()


async def get(session: AsyncSession, notification_id: str, *, viewer: Viewer, doing: Action) -> Notification:
    """Return a notification.

    Raises:
        NotFound: there is none of that id, for this viewer.
        Forbidden: the viewer may see it and not do this.
    """
    query = select(Notification).where(Notification.id == notification_id, visible_to(viewer))
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        message = f"There is no notification {notification_id[:60]}."
        raise NotFound(message, remedy="GET /api/v1/notifications lists them.", code="no_notification")
    viewer.require(doing, viewer.relation_to(found.user_id))
    return found


async def read_all(
    session: AsyncSession, *, viewer: Viewer, until: datetime | None, schedule_id: str | None, now: datetime
) -> int:
    """Mark what the viewer was told as read, all or up to a time; return how many were not. One statement."""
    own = [Notification.user_id == viewer.user_id, Notification.read_at.is_(None)]
    if until is not None:
        own.append(Notification.at <= until)
    if schedule_id is not None:
        own.append(Notification.schedule_id == schedule_id)
    marked = update(Notification).where(*own).values(read_at=now).execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", await session.execute(marked)).rowcount


async def listeners(session: AsyncSession, told: Mapping[str, Collection[str]], *, at: datetime) -> dict[str, Listener]:
    """Return what decides whether users are told of schedules, by the ids of the users. One query.

    Args:
        told: for each user the schedules.
    """
    if not told:
        return {}
    schedules = {one for some in told.values() for one in some}
    muted = (NotificationMute.user_id == User.id) & NotificationMute.schedule_id.in_(schedules) & stands(at)
    query = select(User.id, User.preferences, User.timezone, NotificationMute.schedule_id)
    found: dict[str, Listener] = {}
    query = query.outerjoin(NotificationMute, muted).where(User.id.in_(told))
    for user_id, preferences, timezone, schedule_id in (await session.execute(query)).tuples():
        listener = found.setdefault(user_id, Listener(preferences, timezone))
        if schedule_id is not None:
            listener.muted.add(schedule_id)
    return found
