"""Count what users own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import of_schedules
from mailroom.access.viewer import Viewer
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule

_GONE = (ScheduleState.DELETED,)


async def counts(
    session: AsyncSession, user_ids: Sequence[str], *, viewer: Viewer
) -> dict[str, dict[ScheduleState, int]]:
    """Return how many schedules in each state these users own, of those that are not deleted and the viewer sees."""
    query = select(Schedule.user_id, Schedule.state, func.count()).where(
        Schedule.user_id.in_(user_ids), Schedule.state.not_in(_GONE), of_schedules(viewer)
    )
    found: dict[str, dict[ScheduleState, int]] = {}
    for user_id, state, number in await session.execute(query.group_by(Schedule.user_id, Schedule.state)):
        found.setdefault(user_id, {})[state] = number
    return found


async def ids(session: AsyncSession, user_id: str, *, viewer: Viewer) -> list[str]:
    """Return the ids of the schedules that a user owns, of those that are not deleted and the viewer sees."""
    query = select(Schedule.id).where(Schedule.user_id == user_id, Schedule.state.not_in(_GONE), of_schedules(viewer))
    return list(await session.scalars(query.order_by(Schedule.id)))
