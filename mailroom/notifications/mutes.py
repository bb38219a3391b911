"""Let users mute a schedule, until a time or for good. Each function works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import of_schedules
from mailroom.context import Context
from mailroom.errors import Conflict, Invalid, NotFound
from mailroom.storage.inserting import insert_into
from mailroom.storage.tables import NotificationMute, Schedule

MOST = 500
"""The most schedules that a user may mute. Whoever wants to hear of nothing has the preferences."""


class MuteRequest(BaseModel):
    """The schedule to be silent about, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schedule_id: str = Field(min_length=1, max_length=36)
    until: AwareDatetime | None = Field(default=None, description="The end of the silence. Left out, it has none.")


def stands(at: datetime) -> ColumnElement[bool]:
    """Return the condition of the mutes that hold at a moment."""
    return or_(NotificationMute.until.is_(None), NotificationMute.until > at)


async def muted(session: AsyncSession, schedule_ids: Collection[str], *, at: datetime) -> frozenset[tuple[str, str]]:
    """Return who has muted which of these schedules, as ids of users and schedules."""
    query = select(NotificationMute.user_id, NotificationMute.schedule_id)
    rows = await session.execute(query.where(NotificationMute.schedule_id.in_(schedule_ids), stands(at)))
    return frozenset((user_id, schedule_id) for user_id, schedule_id in rows.tuples())


async def listed(session: AsyncSession, user_id: str, *, at: datetime) -> Sequence[tuple[NotificationMute, str]]:
    """Return the mutes of a user that hold, each with the name of its schedule, by name."""
    query = select(NotificationMute, Schedule.name).join(Schedule, Schedule.id == NotificationMute.schedule_id)
    query = query.where(NotificationMute.user_id == user_id, stands(at)).order_by(Schedule.name, Schedule.id)
    return (await session.execute(query)).tuples().all()


async def mute(session: AsyncSession, wanted: MuteRequest, context: Context) -> tuple[NotificationMute, str]:
    """Be silent about a schedule for the caller; a second time, it replaces how long. Return it with the name.

    Raises:
        NotFound: there is no such schedule, for the caller.
        Invalid: the time is past.
        Conflict: the caller has muted as many schedules as a user may.
    """
    viewer = context.viewer
    seen = select(Schedule.name).where(Schedule.id == wanted.schedule_id, of_schedules(viewer))
    name = (await session.scalars(seen)).one_or_none()
    if name is None:
        message = f"There is no schedule {wanted.schedule_id[:60]}."
        raise NotFound(message, remedy="GET /api/v1/schedules/ lists them.", code="no_schedule")
    if wanted.until is not None and wanted.until <= context.now:
        raise Invalid.at("until", "This time is past.", "Choose a later one, or leave it out to mute for good.")
    others = select(func.count()).where(
        NotificationMute.user_id == viewer.user_id,
        NotificationMute.schedule_id != wanted.schedule_id,
        stands(context.now),
    )
    if (await session.scalars(others)).one() >= MOST:
        raise Conflict(f"{MOST} schedules are muted already.", remedy="Be told about one of them again first.")
    values = {"user_id": viewer.user_id, "schedule_id": wanted.schedule_id, "until": wanted.until}
    insert = insert_into(session, NotificationMute).values(**values, created_at=context.now)
    replaced = insert.on_conflict_do_update(
        index_elements=["user_id", "schedule_id"], set_={"until": wanted.until, "created_at": context.now}
    )
    row = (
        await session.scalars(replaced.returning(NotificationMute), execution_options={"populate_existing": True})
    ).one()
    return row, name


async def unmute(session: AsyncSession, schedule_id: str, context: Context) -> None:
    """End the caller's silence about a schedule; where there is none, nothing changes."""
    own = (NotificationMute.user_id == context.viewer.user_id) & (NotificationMute.schedule_id == schedule_id)
    await session.execute(delete(NotificationMute).where(own))
