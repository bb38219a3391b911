"""Read the service levels of the whole installation, from the counts of hours, which are a few seconds old."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ScheduleState
from mailroom.storage.model.access import ApiKey
from mailroom.storage.model.login import WebSession
from mailroom.storage.tables import Schedule, User
from mailroom.watching.counts import repository as stored
from mailroom.watching.counts.names import HOUR, Counts, Part, hour_of, merged
from mailroom.watching.levels import decide
from mailroom.watching.levels.spec import Level, LevelName, Levels, Period

ACTIVE_WITHIN = timedelta(days=30)


async def levels(session: AsyncSession, period: Period, *, now: datetime) -> Levels:
    """Return the levels of a period that ends now."""
    counts = await counts_of(session, period.length, now=now)
    return levels_of(counts, period, now=now)


def levels_of(counts: Counts, period: Period, *, now: datetime) -> Levels:
    """Return the levels of a period that ends now, from its counts. Pure."""
    since = hour_of(now) - period.length
    return Levels(period, since, now, decide.success(counts), decide.on_time(counts), decide.recovery(counts))


async def counts_of(session: AsyncSession, length: timedelta, *, now: datetime) -> Counts:
    """Return what levels need of a period of whole hours and what has passed of this one, together."""
    hours = await stored.hours(session, hour_of(now) - length, hour_of(now) + HOUR, Part.COUNTS)
    return merged(hours.values())


async def adoption(session: AsyncSession, *, now: datetime) -> Level:
    """Return how many of the people who were active in 30 days own an active schedule.

    A person was active who was seen in a web session, or whose key was used. Service accounts are no people.
    """
    since = now - ACTIVE_WITHIN
    seen = union(
        select(WebSession.user_id).where(WebSession.last_seen_at >= since),
        select(ApiKey.user_id).where(ApiKey.last_used_at >= since),
    ).subquery()
    people = select(User.id).join(seen, seen.c.user_id == User.id).where(User.is_active, User.is_service.is_(False))
    own = exists().where(
        Schedule.user_id == User.id, Schedule.state == ScheduleState.ACTIVE, Schedule.is_sample.is_(False)
    )
    total = (await session.execute(select(func.count()).select_from(people.subquery()))).scalar_one()
    good = (await session.execute(select(func.count()).select_from(people.where(own).subquery()))).scalar_one()
    return Level(LevelName.ADOPTION, int(good), int(total))
