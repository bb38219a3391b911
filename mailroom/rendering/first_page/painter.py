"""Paint pictures in the background of a process, so that nobody waits for one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cachetools import TTLCache

from prefect_mailroom.errors import MailroomError, Retryable

_LOG = logging.getLogger(__name__)


class Painter:
    """Makes pictures in the background of this process, one after the other, each version once.

    A version that could not be painted is left alone for an hour; for a minute where the reason may pass.
    """

    MOST_WAITING = 50
    _AGAIN_AFTER, _SOON_AFTER = 3600.0, 60.0

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(1)
        self._failed: TTLCache[str, bool] = TTLCache(1000, self._AGAIN_AFTER)
        self._waits: TTLCache[str, bool] = TTLCache(1000, self._SOON_AFTER)

    def want(self, version: str, make: Callable[[], Awaitable[None]]) -> bool:
        """Begin to paint a version unless that is under way, has failed lately, or too many wait. Tell if it began."""
        skipped = version in self._tasks or version in self._failed or version in self._waits
        if skipped or len(self._tasks) >= self.MOST_WAITING:
            return False
        task = self._tasks[version] = asyncio.create_task(self._paint(version, make), name=f"picture {version[:8]}")
        task.add_done_callback(lambda _done: self._tasks.pop(version, None))
        return True

    async def _paint(self, version: str, make: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            try:
                await make()
            except MailroomError as error:
                _LOG.info("A picture of a report is not painted: %s", error)
                (self._waits if isinstance(error, Retryable) else self._failed)[version] = True
            except Exception:  # A picture is decoration: what nobody expected is told in the log, and stops nothing.
                _LOG.exception("A picture of a report could not be painted.")
                self._failed[version] = True

    async def settled(self) -> None:
        """Wait until nothing is being painted."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stop whatever is being painted."""
        for task in list(self._tasks.values()):
            task.cancel()
        await self.settled()
