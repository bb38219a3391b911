"""Read and write the counts of hours, and the totals since the beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.ledger.repository import OPEN
from mailroom.states import ExecutionKind
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.upkeep.watching import CountedDay, CountedHour, CountedTotals
from mailroom.storage.tables import Execution
from mailroom.watching.counts.names import Counts, Part, day_of, in_parts, merged

_NAME = "scheduled"
DAY = timedelta(days=1)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""This time stands for the last look at the ledger, before it ever was looked at to the end."""


async def hours(session: AsyncSession, start: datetime, end: datetime, *parts: Part) -> dict[datetime, Counts]:
    """Return parts of the counts of the hours that begin from `start` up to `end`, by hour, as far as there are any."""
    columns = [getattr(CountedHour, part) for part in parts]
    query = select(CountedHour.hour, *columns).where(CountedHour.hour >= start, CountedHour.hour < end)
    rows = await session.execute(query.order_by(CountedHour.hour))
    return {row[0]: row[1] if len(row) == 2 else {n: v for part in row[1:] for n, v in part.items()} for row in rows}


async def details(session: AsyncSession, start: datetime, end: datetime) -> Counts:
    """Return the detail of the hours from `start` up to `end` together; of whole days it is kept by the day."""
    first = day_of(start) if start == day_of(start) else day_of(start) + DAY
    last = day_of(end)
    if first >= last:
        return merged((await hours(session, start, end, Part.DETAIL)).values())
    days = await session.scalars(select(CountedDay.detail).where(CountedDay.day >= first, CountedDay.day < last))
    before, after = await hours(session, start, first, Part.DETAIL), await hours(session, last, end, Part.DETAIL)
    return merged([*before.values(), *days, *after.values()])


async def totals(session: AsyncSession) -> CountedTotals | None:
    """Return the totals since the beginning; None before anything was counted."""
    return await session.get(CountedTotals, _NAME, populate_existing=True)


async def hold_totals(session: AsyncSession, *, now: datetime) -> CountedTotals:
    """Return the totals, and keep others from counting until the transaction ends. They are made where there are none.

    Totals that were just made have looked at nothing: their `looked_until` lies before everything.
    """
    fresh = {"name": _NAME, "since": now, "looked_until": NEVER, "counts": {}, "kept": {}}
    await session.execute(insert_into(session, CountedTotals).values(fresh).on_conflict_do_nothing())
    query = update(CountedTotals).where(CountedTotals.name == _NAME).values(name=_NAME).returning(CountedTotals)
    options = {"synchronize_session": False, "populate_existing": True}
    return (await session.scalars(query, execution_options=options)).one()


async def stored_hours(session: AsyncSession, wanted: Sequence[datetime]) -> dict[datetime, CountedHour]:
    """Return the rows of these hours, by hour."""
    rows = await session.scalars(select(CountedHour).where(CountedHour.hour.in_(wanted)))
    return {row.hour: row for row in rows}


async def write_hour(session: AsyncSession, hour: datetime, counts: Mapping[str, float], most: Counts) -> None:
    """Store an hour, in place of what was stored of it."""
    values = {**in_parts(counts), "most": most}
    query = insert_into(session, CountedHour).values(hour=hour, **values)
    await session.execute(query.on_conflict_do_update(index_elements=[CountedHour.hour], set_=values))


async def write_day(session: AsyncSession, day: datetime) -> None:
    """Store what the hours of a day have together."""
    detail = merged((await hours(session, day, day + DAY, Part.DETAIL)).values())
    query = insert_into(session, CountedDay).values(day=day, detail=detail)
    await session.execute(query.on_conflict_do_update(index_elements=[CountedDay.day], set_={"detail": detail}))


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Remove old hours and days; the totals have them."""
    await session.execute(delete(CountedHour).where(CountedHour.hour < before))
    await session.execute(delete(CountedDay).where(CountedDay.day < day_of(before)))


async def first_due(session: AsyncSession) -> datetime | None:
    """Return the first due time of all that was ever due."""
    query = select(Execution.due_at).order_by(Execution.due_at, Execution.id).limit(1)
    return (await session.scalars(query)).first()


async def next_due(session: AsyncSession, *, since: datetime, until: datetime) -> datetime | None:
    """Return the first due time from `since` up to `until`."""
    query = select(func.min(Execution.due_at)).where(Execution.due_at >= since, Execution.due_at < until)
    return (await session.scalars(query)).first()


async def changed_due_times(session: AsyncSession, *, ended_since: datetime, now: datetime) -> list[datetime]:
    """Return the due times of the occurrences that have ended since, and of those that have not ended by now."""
    scheduled = Execution.kind == ExecutionKind.SCHEDULED
    ended = select(Execution.due_at).where(Execution.completed_at >= ended_since, scheduled)
    under_way = select(Execution.due_at).where(Execution.status.in_(OPEN), Execution.due_at <= now, scheduled)
    # Not DISTINCT: SQLite would go through all due times in their order, instead of through those few.
    return list({*await session.scalars(ended), *await session.scalars(under_way)})
