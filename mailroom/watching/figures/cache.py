"""Keep the last snapshot of a process for a few seconds, however often it is asked for."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from mailroom.storage.database import Database
from mailroom.watching.figures.read import figures
from mailroom.watching.figures.spec import Figures

KEPT_SECONDS = 5.0


class Snapshots:
    """Takes snapshots, one at a time. Whoever asks while one is taken gets that one."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._last: tuple[float, Figures] | None = None

    async def latest(self, database: Database, *, now: datetime) -> Figures:
        """Return a snapshot that is a few seconds old at most."""
        async with self._lock:
            taken = self._last
            if taken is not None and time.monotonic() - taken[0] < KEPT_SECONDS:
                return taken[1]
            async with database.session() as session:
                found = await figures(session, now=now)
            self._last = (time.monotonic(), found)
            return found
