"""Keep background loops alive, and know how each of them is.

An unexpected error never ends a loop: it is written to the log with an id, and the loop starts again after a pause that
doubles while it keeps failing. A loop that has not succeeded for a while is late, whether it fails or hangs; `/readyz`
shows that.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from mailroom.storage.database import new_id
from mailroom.storage.hosts.clock import local_time

_LOG = logging.getLogger(__name__)
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


@dataclass
class LoopHealth:
    """Keep what is known of one loop; times are seconds of one monotonic clock. Pure: the clock is passed in.

    Args:
        late_after: for how many seconds a loop may go without a success.
    """

    name: str
    late_after: float
    began: float | None = None
    succeeded: float | None = None
    last_success: datetime | None = None
    last_error_id: str = ""
    restarts: int = 0
    failures_in_a_row: int = field(default=0, repr=False)

    def success(self, now: float, at: datetime) -> None:
        """Note that a round ended well."""
        self.succeeded, self.last_success, self.failures_in_a_row = now, at, 0

    def failure(self, error_id: str, *, first: float, longest: float) -> float:
        """Note an unexpected error; returns after how many seconds the loop starts again."""
        pause = min(longest, first * 2.0 ** min(self.failures_in_a_row, 30))
        self.last_error_id = error_id
        self.restarts += 1
        self.failures_in_a_row += 1
        return pause

    def silent_for(self, now: float) -> float:
        """Return for how many seconds the loop has had no success; 0 where it has not begun."""
        since = self.began if self.succeeded is None else self.succeeded
        return 0.0 if since is None else now - since

    def is_late(self, now: float) -> bool:
        """Tell whether the loop has gone without a success for too long."""
        return self.silent_for(now) > self.late_after


async def keep_running(
    work: Callable[[], Awaitable[object]],
    health: LoopHealth,
    *,
    first_pause: float = FIRST_PAUSE,
    longest_pause: float = LONGEST_PAUSE,
) -> None:
    """Do the work until it returns by itself or this task is cancelled; start it again after an unexpected error.

    The pauses shrink again after a success that the work notes, and after work that went on for the longest pause.
    """
    health.began = time.monotonic()
    while True:
        begun = time.monotonic()
        try:
            await work()
            return
        except asyncio.CancelledError as error:
            # Only a cancellation of this task ends it: a future that the work waits for may be cancelled by others.
            if _is_cancelled():
                raise
            failed: BaseException = error
        except Exception as error:
            failed = error
        if time.monotonic() - begun > longest_pause:
            health.failures_in_a_row = 0
        error_id = new_id()
        pause = health.failure(error_id, first=first_pause, longest=longest_pause)
        _LOG.error(
            "The loop '%s' failed (error %s); it starts again in %g s, for the %d. time.",
            health.name,
            error_id,
            pause,
            health.restarts,
            exc_info=failed,
        )
        await asyncio.sleep(pause)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


class WatchedLoop:
    """Does one thing again and again, `every` seconds after it last ended.

    Args:
        late_after: for how many seconds it may go without a success before the process is not ready.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[object]],
        *,
        every: float,
        late_after: float,
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self.health = LoopHealth(name, late_after=every + late_after)
        self._work, self._every = work, every
        self._first_pause, self._longest_pause = first_pause, longest_pause

    async def run(self) -> None:
        """Work until cancelled."""
        await keep_running(self._rounds, self.health, first_pause=self._first_pause, longest_pause=self._longest_pause)

    async def _rounds(self) -> None:
        while True:
            await self._work()
            self.health.success(time.monotonic(), local_time())
            await asyncio.sleep(self._every)


def late(loops: Iterable[WatchedLoop], now: float) -> list[LoopHealth]:
    """Return the health of the loops that have not succeeded for too long."""
    return [loop.health for loop in loops if loop.health.is_late(now)]
