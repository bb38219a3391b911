"""Bring the counts in step with the ledger: count those hours anew in which something may have changed.

Each API process does this every few seconds; one that finds that another has just done it leaves it. Counting only
reads. The result is written in a short transaction, in which the totals rise by what has become more. So it does not
matter if two processes count the same hour at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.database import Database
from mailroom.storage.model.upkeep.watching import CountedHour
from mailroom.watching.counts import repository as stored
from mailroom.watching.counts import slow
from mailroom.watching.counts.count import count_hour
from mailroom.watching.counts.names import HOUR, Counts, Part, add, day_of, hour_of, in_parts, raised

EVERY_SECONDS = 15.0
LATE_AFTER_SECONDS = 300.0
JUST_NOW = timedelta(seconds=10)
"""Another process may have counted: within this time it need not be done again."""
KEPT = timedelta(days=63)
"""Hours are kept one by one for twice the longest period, so that it can be compared with the one before."""
_AGAIN = timedelta(minutes=15)
"""An end that is written late, since the database was away, is still found so long after its time."""
_ALWAYS = 3
"""The hour that goes on and those before it are always counted: a delivery may be confirmed after all has ended."""
_AT_ONCE = 48
"""One transaction writes this many hours."""


async def refresh(database: Database, *, now: datetime, not_within: timedelta = timedelta()) -> int:
    """Count what may have changed since the last time, by whichever process; return how many hours that were.

    Args:
        not_within: do nothing if the last time was within this time.
    """
    async with database.session() as session:
        known = await stored.totals(session)
        if known is not None and timedelta() <= now - known.looked_until < not_within:
            return 0
        wanted = None
        if known is not None and known.looked_until > stored.NEVER:
            since = known.looked_until - _AGAIN
            due = await stored.changed_due_times(session, ended_since=since, now=now)
            wanted = changed(due, last=known.looked_until, now=now)
    if wanted is None:
        wanted = await _every(database, now)
    for start in range(0, len(wanted), _AT_ONCE):
        await _count(database, wanted[start : start + _AT_ONCE], now=now)
    await _looked(database, now)
    return len(wanted)


def changed(due: Sequence[datetime], *, last: datetime, now: datetime) -> list[datetime]:
    """Return the hours to count, given the due times of what may have changed since the last time. Pure.

    What is older than is kept stays as it was counted.
    """
    current = hour_of(now)
    found = {hour_of(one) for one in due} | {current - number * HOUR for number in range(_ALWAYS)}
    hour = hour_of(last)
    while hour < current and len(found) < 10_000:
        found.add(hour)
        hour += HOUR
    return sorted(one for one in found if kept_from(now) <= one <= current)


def kept_from(now: datetime) -> datetime:
    """Return the first hour that is kept. Pure."""
    return hour_of(now - KEPT)


async def _every(database: Database, now: datetime) -> list[datetime]:
    """Return every hour since the first due time in which something was due."""
    found: list[datetime] = []
    async with database.session() as session:
        moment = await stored.first_due(session)
        while moment is not None and moment <= now:
            found.append(hour_of(moment))
            moment = await stored.next_due(session, since=found[-1] + HOUR, until=now)
    return found


async def _count(database: Database, wanted: Sequence[datetime], *, now: datetime) -> None:
    found: dict[datetime, Counts] = {}
    for hour in wanted:
        async with database.session() as session:  # Each hour by itself: no transaction stays open for long.
            found[hour] = await count_hour(session, hour)
    async with database.session() as session:
        before = await stored.stored_hours(session, wanted)
    new = {hour: counts for hour, counts in found.items() if in_parts(counts) != _kept(before.get(hour))}
    if new:
        await database.transact(partial(_write, new, now=now))


async def _write(new: Mapping[datetime, Counts], session: AsyncSession, *, now: datetime) -> None:
    """Store hours, and let the totals rise by what has become more since whoever stored them last."""
    totals = await stored.hold_totals(session, now=now)
    before = await stored.stored_hours(session, list(new))
    summed: Counts = dict(totals.counts)
    for hour, counts in new.items():
        most, rises = raised(before[hour].most if hour in before else {}, counts)
        for name, number in rises.items():
            add(summed, name, number)
        await stored.write_hour(session, hour, counts, most)
    for day in sorted({day_of(hour) for hour in new}):
        await stored.write_day(session, day)
    totals.counts = summed


def _kept(row: CountedHour | None) -> dict[str, Counts]:
    return {part: getattr(row, part) if row else {} for part in Part}


async def _looked(database: Database, now: datetime) -> None:
    """Note that the ledger was looked at, with what takes long to count; the first look of an hour removes old ones."""
    async with database.session() as session:
        known = await stored.totals(session)
        kept = dict(known.kept) if known else {}
        if slow.is_due(kept, now):
            kept = await slow.count(session, now=now)

    async def write(session: AsyncSession) -> None:
        totals = await stored.hold_totals(session, now=now)
        if hour_of(totals.looked_until) < hour_of(now):
            await stored.forget(session, before=kept_from(now))
        totals.looked_until = max(totals.looked_until, now)
        if totals.kept != kept:
            totals.kept = kept

    await database.transact(write)
