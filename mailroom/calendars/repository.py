"""Business calendars in the database, and who uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.states import ScheduleState
from mailroom.storage.inserting import insert_into
from mailroom.storage.locks import before_reading
from mailroom.storage.tables import Calendar, Schedule


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the calendars that the viewer may see: all, for whoever may put a schedule on one."""
    return true() if viewer.may(Action.CALENDAR_READ, Relation.SHARED) else false()


async def every(session: AsyncSession, *, viewer: Viewer) -> Sequence[Calendar]:
    """Return every calendar by title."""
    return (
        await session.scalars(select(Calendar).where(visible_to(viewer)).order_by(Calendar.title, Calendar.id))
    ).all()


async def get(
    session: AsyncSession,
    calendar_id: str,
    *,
    viewer: Viewer,
    doing: Action = Action.CALENDAR_READ,
    lock: bool = False,
) -> Calendar:
    """Return the calendar; `lock` keeps others from changing it, and schedules from being put on it.

    Raises:
        NotFound: there is none of that id.
        Forbidden: the viewer may see it and not do this.
    """
    query = select(Calendar).where(Calendar.id == calendar_id, visible_to(viewer))
    if lock:
        await before_reading(session)
        query = query.with_for_update().execution_options(populate_existing=True)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no calendar '{calendar_id[:80]}'.",
            remedy="GET /api/v1/calendars lists them.",
            code="no_calendar",
        )
    viewer.require(doing, Relation.SHARED)
    return found


async def insert(
    session: AsyncSession, calendar_id: str, *, title: str, definition: Mapping[str, Any], now: datetime
) -> Calendar | None:
    """Store a new calendar; return None where the id is in use. The database decides which of several is the first."""
    values = {"id": calendar_id, "title": title, "definition": definition, "created_at": now, "updated_at": now}
    query = insert_into(session, Calendar).values(**values).on_conflict_do_nothing().returning(Calendar)
    return (await session.scalars(query)).one_or_none()


def _users(calendar_id: str) -> Select[tuple[Schedule]]:
    query = select(Schedule).where(
        Schedule.schedule_config["calendar"].as_string() == calendar_id, Schedule.state != ScheduleState.DELETED
    )
    return query.order_by(Schedule.name, Schedule.id)


async def schedules_on(session: AsyncSession, calendar_id: str) -> Sequence[Schedule]:
    """Return the calendar's schedules that are not deleted, by name; locked until the transaction ends."""
    return (await session.scalars(_users(calendar_id).with_for_update())).all()


async def users_of(session: AsyncSession, calendar_id: str) -> Sequence[Schedule]:
    """Return the calendar's schedules that are not deleted, by name, to look at alone: nothing is locked."""
    return (await session.scalars(_users(calendar_id))).all()


async def counts(session: AsyncSession, *, viewer: Viewer) -> dict[str, int]:
    """Return how many schedules (not deleted) are on each calendar that is used, by one query."""
    named = Schedule.schedule_config["calendar"].as_string()
    query = select(named, func.count()).where(Schedule.state != ScheduleState.DELETED, visible_to(viewer))
    return {row[0]: row[1] for row in await session.execute(query.group_by(named)) if row[0] is not None}


async def find(session: AsyncSession, calendar_id: str, *, lock: bool = False) -> Calendar | None:
    """Return the business calendar, or None; `lock` keeps it as it is until the transaction ends.

    To be locked before the schedules on it, see `mailroom.storage.locks`.
    """
    if lock:
        await before_reading(session)
    return await session.get(Calendar, calendar_id, with_for_update={"read": True} if lock else None)


async def named(session: AsyncSession, ids: Iterable[str]) -> dict[str, Calendar]:
    """Return the calendars among these ids that exist."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {row.id: row for row in await session.scalars(select(Calendar).where(Calendar.id.in_(wanted)))}
