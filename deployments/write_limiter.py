"""Limits how fast one process writes to Prefect."""

from __future__ import annotations

import asyncio
import time


class WriteLimiter:
    """Gives at most `per_second` turns a second on average; after a rest, a second's worth may be taken at once."""

    def __init__(self, per_second: float) -> None:
        self._step, self._free_at = 1 / per_second, 0.0

    def delay(self, now: float) -> float:
        """Take the next turn; returns in how many seconds it comes."""
        turn = max(self._free_at, now - 1)
        self._free_at = turn + self._step
        return max(0.0, turn - now)

    async def wait_for_turn(self) -> None:
        """Wait for a turn."""
        if delay := self.delay(time.monotonic()):
            await asyncio.sleep(delay)
