"""Find out that the database was restored from an older backup, and let nothing leave then.

A restored ledger has forgotten its receipts: whatever it would send may have been delivered. Everything stays stopped
until a person says what becomes of it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.stops import repository as stops
from mailroom.stops import service, witness
from mailroom.stops.spec import StopCause
from mailroom.stops.witness import Witness
from mailroom.storage.database import Database
from mailroom.storage.stop_tables import LedgerClock, Stop

_LOG = logging.getLogger(__name__)
EVERY_SECONDS = 10.0
"""How often the clock is raised: what a backup cannot know is at most so much more than what the witness tells of."""
LATE_AFTER_SECONDS = 300.0

_OLDER = "The database was restored from a backup of {at:%Y-%m-%d %H:%M:%S} UTC, and does not know what was sent since."
_OTHER = "Another database than before is in use, and it does not know what was sent before {at:%Y-%m-%d %H:%M:%S} UTC."


class Restored(Exception):
    """A pass found that the database was restored; `look` is to stop everything first."""


async def look(database: Database, path: Path, *, now: datetime) -> Stop | None:
    """Compare the database with the witness, and stop everything where it is older; return that stop.

    The clock takes the time of the witness over in the transaction that sets the stop, so that one restoration is found
    once. To be called before anything is sent.
    """
    seen = await asyncio.to_thread(witness.read, path)
    if seen is None:
        return None
    async with database.session() as session:
        if not witness.tells_of_more(seen, (await stops.read_standing(session)).clock):
            return None

    async def acknowledge(session: AsyncSession) -> tuple[Stop | None, LedgerClock]:
        clock = await stops.lock_clock(session)
        more = witness.tells_of_more(seen, clock)  # Asked again: another process may have stopped everything.
        return (await _acknowledge(session, clock, seen, now)) if more else None, clock

    stop, clock = await database.transact(acknowledge)
    await asyncio.to_thread(witness.write, path, clock)
    if stop is not None:
        _LOG.error("%s Nothing leaves until a person resumes it: see `mailroom resume`.", stop.reason)
    return stop


async def _acknowledge(session: AsyncSession, clock: LedgerClock, seen: Witness, now: datetime) -> Stop | None:
    same, known_until = seen.ledger_id == clock.ledger_id, clock.ticked_at
    clock.ticks, clock.ticked_at = max(clock.ticks, seen.ticks), now
    if not same and not await stops.has_schedules(session):
        return None
    words = (_OLDER if same else _OTHER).format(at=known_until)
    return await service.stop_restored(session, words, known_until=known_until, now=now)


async def declare(database: Database, path: Path, *, made_at: datetime, now: datetime) -> Stop:
    """Stop everything since a backup was just put in place, whatever the witness says; return that stop.

    The clock is set ahead of the witness, and both agree afterwards: one restoration is found once.

    Args:
        made_at: when the backup was made.
    """
    seen = await asyncio.to_thread(witness.read, path)

    async def acknowledge(session: AsyncSession) -> tuple[Stop, LedgerClock]:
        clock = await stops.lock_clock(session)
        known_until = min(clock.ticked_at, made_at)
        clock.ticks, clock.ticked_at = max(clock.ticks, seen.ticks if seen else 0) + 1, now
        words = _OLDER.format(at=made_at)
        return await service.stop_restored(session, words, known_until=known_until, now=now), clock

    stop, clock = await database.transact(acknowledge)
    await asyncio.to_thread(witness.write, path, clock)
    return stop


async def standing(session: AsyncSession) -> Stop | None:
    """Return the stop of a restoration that no person has answered yet."""
    found = (await stops.read_standing(session)).stops
    return next((one for one in found if one.cause == StopCause.RESTORED), None)


async def tick(database: Database, path: Path, *, now: datetime) -> None:
    """Raise the clock, and write it to the witness once it is committed."""
    await look(database, path, now=now)
    clock = await database.transact(lambda session: stops.tick(session, now=now))
    await asyncio.to_thread(witness.write, path, clock)
