"""List the schedules that are above the limits of their owner: they were there before a limit was lowered.

They keep running. Whoever lowers a limit finds them here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.calendars.service import business_calendars
from mailroom.errors import Invalid, Limited
from mailroom.limits.recipients import above_limits
from mailroom.limits.repository import NOT_COUNTED
from mailroom.limits.spec import Limits
from mailroom.schedules.spec import read_targets, stored_spec
from mailroom.storage.tables import Schedule
from mailroom.timing import BusinessCalendar, Timing, closest
from mailroom.timing.model import Cron, Hourly

MOST = 200
"""So many schedules of a user are looked at, the oldest first: a timing takes about a millisecond."""
_ONCE_A_DAY = timedelta(hours=23)
"""What lies between two due times of a timing with one time a day, at least: a day with a change of the clocks."""


@dataclass(frozen=True, slots=True)
class Above:
    """A schedule that is above limits, with each of them."""

    schedule_id: str
    name: str
    limits: list[Limited]


async def above(session: AsyncSession, user_id: str, limits: Limits, *, now: datetime) -> tuple[list[Above], bool]:
    """Return the schedules of a user that are above the limits, and whether all were looked at."""
    query = select(Schedule).where(Schedule.user_id == user_id, Schedule.state.not_in(NOT_COUNTED))
    rows = (await session.scalars(query.order_by(Schedule.created_at, Schedule.id).limit(MOST + 1))).all()
    named = {calendar for row in rows if (calendar := row.schedule_config.get("calendar"))}
    calendars = await business_calendars(session, named)
    return await asyncio.to_thread(_among, rows[:MOST], limits, calendars, now), len(rows) <= MOST


def _among(
    rows: Sequence[Schedule], limits: Limits, calendars: dict[str, BusinessCalendar], now: datetime
) -> list[Above]:
    found = []
    for row in rows:
        try:
            targets = read_targets(row.distribution_config["destinations"])
        except Invalid:  # A channel that is not installed here any more: nothing is sent for it either.
            targets = []
        timing = stored_spec(row).timing
        business = calendars.get(timing.calendar or "", BusinessCalendar())
        beyond = [*above_limits(targets, limits), *too_often(timing, business, limits, now=now)]
        if beyond:
            found.append(Above(row.id, row.name, beyond))
    return found


def too_often(timing: Timing, business: BusinessCalendar, limits: Limits, *, now: datetime) -> list[Limited]:
    """Return the limit of the interval where a timing is due more often. Pure."""
    if limits.interval <= _ONCE_A_DAY and not isinstance(timing, Cron | Hourly):
        return []
    pair = closest(timing, now, business)
    if pair is None or pair.interval >= limits.interval:
        return []
    seconds = (limits.interval.total_seconds(), pair.interval.total_seconds())
    return [Limited("interval_seconds", int(seconds[0]), int(seconds[1]), limits.contact)]
