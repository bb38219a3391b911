"""Let a check or a test go on where it takes longer than a page waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from cachetools import TTLCache

from mailroom.storage.database import new_id


class UnderWay:
    """Holds what people have begun in this process, for ten minutes, for nobody but the one who began it.

    What fell out of it ends on its own; only its result is not known any more.
    """

    MOST, SECONDS = 256, 600.0

    def __init__(self) -> None:
        self._known: TTLCache[str, tuple[str, asyncio.Task[Any]]] = TTLCache(self.MOST, self.SECONDS)
        self._running: set[asyncio.Task[Any]] = set()

    def begin(self, user_id: str, work: Coroutine[Any, Any, Any]) -> str:
        """Begin a piece of work for a user, and return the id to ask for it."""
        name = new_id()
        task = asyncio.create_task(work, name=f"trial {name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        self._known[name] = (user_id, task)
        return name

    async def wait(self, user_id: str, name: str, seconds: float) -> asyncio.Task[Any] | None:
        """Return a piece of work when it is done, or after so many seconds; None where the user has none of this id."""
        owner, task = self._known.get(name, ("", None))
        if task is None or owner != user_id:
            return None
        await asyncio.wait([task], timeout=seconds)
        return task

    async def close(self) -> None:
        """End whatever is under way."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
