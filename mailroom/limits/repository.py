"""Count what users have and have asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ScheduleState
from mailroom.storage.locks import hold
from mailroom.storage.model.limits import HourlyUse
from mailroom.storage.tables import Schedule, User

NOT_COUNTED = (ScheduleState.DELETED, ScheduleState.FINISHED)
"""The states in which a schedule does not count towards its owner's limit: it never fires again by itself."""


async def hold_user(session: AsyncSession, user_id: str) -> None:
    """Keep other transactions from counting for this user until this one ends; see `mailroom.storage.locks`."""
    await hold(session, User, user_id)


async def schedules_of(session: AsyncSession, user_id: str) -> int:
    """Count the schedules of a user that may fire."""
    query = select(func.count()).where(Schedule.user_id == user_id, Schedule.state.not_in(NOT_COUNTED))
    return (await session.scalars(query)).one()


async def uses(session: AsyncSession, user_id: str, *, budget: str, since: datetime) -> Sequence[tuple[datetime, int]]:
    """Return what a user has asked for since then, oldest first: when, and how many."""
    query = select(HourlyUse.at, HourlyUse.amount).where(
        HourlyUse.user_id == user_id, HourlyUse.budget == budget, HourlyUse.at > since
    )
    return [(row[0], row[1]) for row in await session.execute(query.order_by(HourlyUse.at))]


async def add_use(
    session: AsyncSession, user_id: str, *, budget: str, amount: int, now: datetime, since: datetime
) -> None:
    """Store that a user asks for something now, and remove what counts no more."""
    old = delete(HourlyUse).where(HourlyUse.user_id == user_id, HourlyUse.at <= since)
    await session.execute(old.execution_options(synchronize_session=False))
    session.add(HourlyUse(user_id=user_id, budget=budget, amount=amount, at=now))
