"""Remove what is past its time, in many small transactions with rests between them, so that no work waits for it.

One process does it at a time. A round that is broken off has removed what it has removed; the next one goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.retention import progress
from mailroom.retention.attempts import remove_attempts
from mailroom.retention.executions import remove_executions, remove_file_names
from mailroom.retention.happenings import remove_incidents, remove_notifications, remove_product_events
from mailroom.retention.pace import Pace
from mailroom.retention.periods import horizons
from mailroom.settings import Settings
from mailroom.storage.database import Database

EVERY_SECONDS = 600.0
LATE_AFTER_SECONDS = 6 * 3600.0
"""The process is not ready once rounds have failed for this long: nothing is urgent here."""
ROUND_SECONDS = 300.0
"""One round removes for this many seconds at most, if there is much; the rest waits for the next one."""
_LEASE = timedelta(seconds=2 * ROUND_SECONDS)
"""Another process may go on after this long in place of one that died."""
Remove = Callable[..., Awaitable[int]]


def steps(settings: Settings, now: datetime) -> Mapping[str, Remove]:
    """Return what is removed, in this order: each step is to be called with a session and `rows`."""
    old = horizons(settings, now)
    return {
        "attempts": partial(remove_attempts, before=old.attempts),
        "executions": partial(remove_executions, before=old.executions),
        "file names": partial(remove_file_names, before=old.executions),
        "notifications": partial(remove_notifications, before=old.events),
        "events for the product": partial(remove_product_events, before=old.product_events),
        "incidents": partial(remove_incidents, before=old.events),
    }


async def remove_old(
    database: Database, settings: Settings, *, now: datetime, seconds: float = ROUND_SECONDS, pace: type[Pace] = Pace
) -> Mapping[str, int]:
    """Remove what is past its time, for so many seconds at most; return how much of each kind was removed.

    Nothing is removed, and nothing returned, while another process does it. A new `pace` begins with each kind.
    """
    removed: Counter[str] = Counter()
    async with _lease(database, now) as ours:
        if ours:
            until = time.monotonic() + seconds
            for name, remove in steps(settings, now).items():
                removed[name] = await _remove_all(database, remove, until, pace(), leased_until=now + _LEASE)
    return {name: count for name, count in removed.items() if count}


async def _remove_all(database: Database, remove: Remove, until: float, pace: Pace, *, leased_until: datetime) -> int:
    """Remove batch by batch until nothing is left or the time is over; return how much went."""
    removed = 0

    async def batch(session: AsyncSession) -> tuple[int, float]:
        await progress.extend_lease(session, until=leased_until)
        locked = time.monotonic()
        return await remove(session, rows=pace.rows), locked

    while time.monotonic() < until:
        count, locked = await database.transact(batch)
        if not count:
            break
        removed += count
        await asyncio.sleep(pace.after(time.monotonic() - locked))
    return removed


@asynccontextmanager
async def _lease(database: Database, now: datetime) -> AsyncIterator[bool]:
    async def take(session: AsyncSession) -> bool:
        return await progress.take_lease(session, now=now, until=now + _LEASE)

    ours = await database.transact(take)
    try:
        yield ours
    finally:
        if ours:
            ended = database.now()
            await database.transact(lambda session: progress.give_back(session, now=min(now, ended)))
