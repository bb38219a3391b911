"""Write the signs of life of this process: one statement every few seconds for all its loops and all that it sees.

Nothing is written in the rounds themselves: with SQLite, all processes share one writer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.watched_loop import LoopHealth, WatchedLoop
from mailroom.errors import Unavailable
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.decide import replaced_by
from mailroom.heartbeats.spec import UPKEEP, WORKERS, WRITER, Beat, process_name
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.watching.signs import written
from mailroom.watching.signs.hosts import of_host
from mailroom.watching.signs.prefect import Probe

_LOG = logging.getLogger(__name__)
LATE_AFTER_SECONDS = 300.0
"""For how long the database may take no sign before this process is not ready. Others take it for dead much sooner."""
PREFECT_SECONDS = 4.0
"""How long Prefect may take to answer: longer than for `/readyz`, which somebody waits for, and short enough that the
signs of life behind it are written in time."""
UPKEEP_LATE_AFTER = 240.0
"""For how long the upkeep may be silent: it is due each minute, and a run that begins two minutes late is left out."""
FORGET_AFTER = timedelta(days=1)
"""How long after its last sign a process is no longer expected back."""
_FORGET_EVERY = timedelta(hours=1)


class Heartbeats:
    """Writes the signs of one process; `loop` is to run in its background, and `end` is called where it ends well.

    Args:
        role: what the process does, the first word of its name.
        clock: tells the time, which is that of the database by default.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        loops: Sequence[WatchedLoop],
        probe: Probe,
        *,
        role: str = "api",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._database, self._settings, self._loops, self._probe = database, settings, loops, probe
        self._clock = clock or database.now
        self.process, self._began_at = process_name(role), self._clock()
        self._steady_since: datetime | None = None
        self._of_prefect: Beat | None = None
        self._forgot_at: datetime | None = None

    def loop(self) -> WatchedLoop:
        """Return the loop that writes; it does not wait longer after failures, since others take it for dead then."""
        every = self._settings.heartbeat_seconds
        return WatchedLoop(WRITER, self.tick, every=every, late_after=LATE_AFTER_SECONDS, longest_pause=every)

    async def tick(self) -> None:
        """Look around and write everything once."""
        seen = await self._look_around()
        now = self._clock()
        steady, self._steady_since = self._steady_since or now, None
        signs = [*self._of_loops(), self._writer(now, steady), *seen]
        is_due = self._forgot_at is None or now - self._forgot_at >= _FORGET_EVERY

        async def write(session: AsyncSession) -> None:
            await heartbeats.write(session, signs)
            if is_due:
                await heartbeats.forget(session, before=now - FORGET_AFTER)

        await self._database.transact(write)
        # Not reached where the database did not take them.
        self._steady_since, self._forgot_at = steady, now if is_due else self._forgot_at

    async def end(self) -> None:
        """Remove what this process has written: it ends as it should, and nobody is to miss it.

        With it goes the dead one in whose place it began, which would be missed again otherwise.
        """

        async def leave(session: AsyncSession) -> None:
            replaced = replaced_by(self.process, await heartbeats.every(session), self._clock())
            await heartbeats.end(session, [self.process, *replaced])

        try:
            await self._database.transact(leave)
        except (SQLAlchemyError, OSError, Unavailable):
            _LOG.warning("The signs of life of this process stay in the database, which does not answer.")

    def _of_loops(self) -> list[Beat]:
        # What is written here is as old as the next writing when it is read.
        margin = self._settings.heartbeat_seconds
        ahead = timedelta(seconds=self._database.clock.ahead or 0.0)
        return [of_loop(one.health, self.process, self._began_at, margin=margin, ahead=ahead) for one in self._loops]

    def _writer(self, now: datetime, steady_since: datetime) -> Beat:
        detail = {"steady_since": steady_since.isoformat()}
        limit = self._settings.heartbeat_silent_seconds
        return Beat(WRITER, self.process, self._began_at, now, limit, detail)

    async def _look_around(self) -> list[Beat]:
        seen = await look_around(
            self._database,
            self._settings,
            self._probe,
            self._of_prefect,
            process=self.process,
            began_at=self._began_at,
            clock=self._clock,
        )
        self._of_prefect = next(beat for beat in seen if beat.name == written.PREFECT)
        return seen


def of_loop(health: LoopHealth, process: str, began_at: datetime, *, margin: float, ahead: timedelta) -> Beat:
    """Return the sign of life of a loop. Pure.

    Args:
        ahead: how far the clock of this host, by which loops note their success, is ahead of the database's.
    """
    detail = {"restarts": health.restarts, "last_error_id": health.last_error_id}
    last_success = began_at if health.last_success is None else health.last_success - ahead
    return Beat(health.name, process, began_at, last_success, health.late_after + margin, detail)


async def look_around(
    database: Database,
    settings: Settings,
    probe: Probe,
    before: Beat | None,
    *,
    process: str,
    began_at: datetime,
    clock: Callable[[], datetime],
) -> list[Beat]:
    """Return what a process sees of Prefect, of its disk and of the audit trail, after its last sign of Prefect."""
    signs, now = await probe.ask(PREFECT_SECONDS), clock()
    found: list[Beat | None] = [written.of_prefect(signs, before, process=process, began_at=began_at, now=now)]
    found.append(await written.of_disk(settings, process=process, began_at=began_at, now=now))
    lasts = UPKEEP_LATE_AFTER if process == WORKERS else settings.heartbeat_silent_seconds
    found.append(await of_host(database, settings, process=process, began_at=began_at, now=now, lasts=lasts))
    async with database.session() as session:
        found.append(await written.of_trail(session, settings, process=process, began_at=began_at, now=now))
    return [beat for beat in found if beat is not None]


async def note_upkeep(database: Database, settings: Settings, *, clock: Callable[[], datetime]) -> None:
    """Write that the upkeep runs, and what it sees, so that it can tell of what is wrong while no API process lives."""
    probe = Probe(settings, clock=clock)
    try:
        async with database.session() as session:
            last = await heartbeats.one(session, UPKEEP, WORKERS)
            of_prefect = await heartbeats.one(session, written.PREFECT, WORKERS)
        now = clock()
        is_steady = last is not None and not last.is_late(now)
        began_at = last.began_at if last is not None and is_steady else now
        seen = await look_around(database, settings, probe, of_prefect, process=WORKERS, began_at=began_at, clock=clock)
        detail = {"steady_since": began_at.isoformat()}
        beat = Beat(UPKEEP, WORKERS, began_at, clock(), UPKEEP_LATE_AFTER, detail)
        await database.transact(lambda session: heartbeats.write(session, [beat, *seen]))
    finally:
        await probe.close()
