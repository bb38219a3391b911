"""A queue of ids that a few workers work on, each id by one worker at a time.

An id that is added while it waits is worked on once; one that is added while it is being worked on is worked on again
afterwards, since what was added may not have been seen. Nothing is kept of an id that is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

_LOG = logging.getLogger(__name__)


class WorkQueue:
    """Runs `work(id)` for what is added, `workers` at once at most. Workers end when nothing is left."""

    def __init__(self, work: Callable[[str], Awaitable[object]], *, workers: int) -> None:
        self._work, self._workers = work, workers
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._ready: dict[str, None] = {}
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Counted apart from the tasks: a task is there for a moment after its worker has looked for work in vain.
        self._working = 0

    def add(self, key: str) -> asyncio.Future[None]:
        """Have the id worked on; the future is done when work that began after this call has ended, well or not."""
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
            if key not in self._busy:
                self._ready[key] = None
        self._hire()
        return self._waiting[key]

    def _hire(self) -> None:
        """Start another worker where there is work for one."""
        if self._working < min(self._workers, len(self._ready) + len(self._busy)):
            self._working += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is not None:  # What it leaves behind needs another worker.
            self._working -= 1
            self._hire()

    @property
    def backlog(self) -> int:
        """Return how many ids wait; those being worked on are not counted."""
        return len(self._waiting)

    async def close(self) -> None:
        """Stop; what waits is given up, and whoever waits for it is released."""
        tasks, waiting = list(self._tasks), list(self._waiting.values())
        self._waiting.clear()
        self._ready.clear()
        for future in waiting:
            future.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while self._ready:
            key = next(iter(self._ready))
            del self._ready[key]
            done = self._waiting.pop(key)
            self._busy.add(key)
            try:
                await self._work(key)
            except Exception:
                # One id must not end the worker; whoever added it looks at the state that the work left.
                _LOG.exception("Work on %s failed.", key)
            finally:
                self._busy.discard(key)
                if not done.done():
                    done.set_result(None)
                if key in self._waiting:
                    self._ready[key] = None
        self._working -= 1
