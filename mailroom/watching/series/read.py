"""Read what is drawn. It is of the whole installation, and so for those who see everything.

What a period was like is read from the counts of hours, with one query; how things stand is read from the ledger.
"""

from __future__ import annotations

import datetime as dt
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.ledger.repository import OPEN
from mailroom.schedules.conflicts.load import local_day
from mailroom.schedules.conflicts.survey import load_between
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.tables import Execution, Report, Schedule
from mailroom.watching.counts import repository as stored
from mailroom.watching.counts.count import SAMPLES
from mailroom.watching.counts.names import HOUR, Part, below, hour_of
from mailroom.watching.series import shape
from mailroom.watching.series.spec import MOST, DayLoad, Queue, Series


async def series(session: AsyncSession, length: timedelta, zone: ZoneInfo, *, now: datetime) -> Series:
    """Return what can be drawn of a period that ends now: steps, failures by destination, slowest reports."""
    start, end = hour_of(now) - length, hour_of(now) + HOUR
    hours = await stored.hours(session, start, end, Part.COUNTS)
    counts = await stored.details(session, start, end)
    ids = list(below(counts, "report"))
    query = select(Report.id, Report.title).where(Report.id.in_(ids))
    titles = {row[0]: row[1] for row in await session.execute(query)} if ids else {}
    destinations, more_destinations = shape.failures(counts, MOST)
    reports, more_reports = shape.slowest(counts, titles, MOST)
    return Series(
        since=start,
        until=now,
        by_day=end - start > shape.LONGEST_BY_HOUR + HOUR,
        steps=shape.steps(hours, start, end, zone),
        destinations=destinations,
        more_destinations=more_destinations,
        reports=reports,
        more_reports=more_reports,
    )


async def queue(session: AsyncSession, *, now: datetime) -> Queue:
    """Return what has not ended, and since when the oldest waits to begin."""
    held = Execution.held_by.is_not(None)
    waits = (Execution.status == ExecutionState.PENDING) & ~held
    # What waits on purpose, for its start or behind another one, is late only after that.
    from_when = case((Execution.next_pass_at > Execution.due_at, Execution.next_pass_at), else_=Execution.due_at)
    query = (
        select(Execution.status, held, func.count(), func.min(case((waits, from_when))))
        .where(
            Execution.status.in_(OPEN),
            Execution.due_at <= now,
            or_(~waits, from_when <= now),
            Execution.schedule_id.not_in(SAMPLES),
        )
        .group_by(Execution.status, held)
    )
    numbers = {"waiting": 0, "running": 0, "retrying": 0, "held": 0}
    oldest: datetime | None = None
    words = {ExecutionState.PENDING: "waiting", ExecutionState.RUNNING: "running"}
    for status, is_held, number, first in await session.execute(query):
        numbers["held" if is_held else words.get(status, "retrying")] += int(number)
        oldest = first or oldest
    return Queue(**numbers, oldest_due=oldest)


async def next_due(session: AsyncSession) -> datetime | None:
    """Return when the next run of all active schedules is due; None where there is none."""
    wanted = Schedule.state == ScheduleState.ACTIVE, Schedule.is_sample.is_(False), Schedule.next_run.is_not(None)
    return (
        await session.scalars(select(Schedule.next_run).where(*wanted).order_by(Schedule.next_run).limit(1))
    ).first()


async def load_of_day(session: AsyncSession, day: dt.date, zone: ZoneInfo) -> DayLoad:
    """Return how many runs are due through a local day, by the timings of now."""
    start, end = local_day(day, zone)
    found = await load_between(session, SYSTEM, start, end)
    runs, (busiest, most) = tuple(found.curve(start, end)), found.busiest(start, end) or (None, 0)
    return DayLoad(start.astimezone(zone), runs, busiest and busiest.astimezone(zone), most)
