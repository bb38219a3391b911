"""Count requests by a sliding window, in the memory of this process or in Redis for all processes together.

While Redis is away, each process counts by itself: nobody is refused for it, and nobody gets through without limit.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits import RateLimitItemPerSecond as PerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

_LOG = logging.getLogger(__name__)
MEMORY = "memory"
PATIENCE = 0.25
"""Seconds that a request waits for Redis."""
AWAY = 5.0
"""Seconds for which Redis is left alone after it has not answered."""
_SWEEP = 30.0
_UNITS: dict[str, type[RateLimitItem]] = {
    "second": PerSecond,
    "minute": RateLimitItemPerMinute,
    "hour": RateLimitItemPerHour,
    "day": RateLimitItemPerDay,
}


@dataclass(frozen=True, slots=True)
class Rate:
    """The number of requests that one user, key or address (`name`) may make within `seconds`."""

    name: str
    item: RateLimitItem
    amount: int
    seconds: int


def rate_of(name: str, text: str) -> Rate | None:
    """Return the rate that a setting such as `300/minute` names; None for `unlimited`."""
    if text == "unlimited":
        return None
    amount, _, unit = text.partition("/")
    item = _UNITS[unit](int(amount), 1, f"mailroom-{name}")
    return Rate(name, item, item.amount, item.get_expiry())


@dataclass(frozen=True, slots=True)
class Count:
    """The count of one request: whether it is within the rate, how many may follow, and when there is room again."""

    rate: Rate
    allowed: bool
    remaining: int
    room_in: int


class _Idle:
    """Stands for the library's task that goes through every key at each hit: `LocalStorage` does that less often."""

    def done(self) -> bool:
        return False

    def cancel(self) -> None:
        """Do nothing: there is no task."""


class LocalStorage(MemoryStorage):
    """Counts in memory. What is over is removed twice a minute, so that a request's cost does not grow with users."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.timer: Any = _Idle()
        self._clock, self._swept = clock, clock()

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; see the library."""
        if self._clock() - self._swept > _SWEEP:
            self._swept = self._clock()
            for one in list(self.expirations):
                await self.get(one)  # It removes what has expired.
        return await super().incr(key, expiry, amount)


class Counting:
    """The counts of this process, or of all that share a Redis.

    `is_away` says that Redis did not answer last.

    Args:
        storage: `memory`, or the URL of a Redis.
    """

    def __init__(self, storage: str = MEMORY, clock: Callable[[], float] = time.monotonic) -> None:
        self._local = SlidingWindowCounterRateLimiter(LocalStorage())
        self._redis = None if storage == MEMORY else _redis(storage)
        self._shared = SlidingWindowCounterRateLimiter(self._redis) if self._redis else None
        self._clock, self._ask_again = clock, 0.0
        self.is_away = False

    async def count(self, rate: Rate, identity: str) -> Count:
        """Count one request of this user, key or address."""
        if self._shared is not None and self._clock() >= self._ask_again:
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await _count(self._shared, rate, identity)
            except (StorageError, OSError) as error:  # A TimeoutError is an OSError.
                self._lost(error)
            else:
                self._found()
                return found
        return await _count(self._local, rate, identity)

    async def count_all(self, asked: Sequence[tuple[Rate, str]]) -> list[Count]:
        """Count one request of several, such as a user and a key; in Redis at the same time."""
        if self._shared is None:
            return [await self.count(rate, identity) for rate, identity in asked]
        return await asyncio.gather(*(self.count(rate, identity) for rate, identity in asked))

    def _lost(self, error: Exception) -> None:
        self._ask_again = self._clock() + AWAY
        if not self.is_away:
            self.is_away = True
            # Not the error's own words: they may name the server with its password.
            _LOG.warning("Redis does not count requests (%s); this process counts its own.", type(error).__name__)

    def _found(self) -> None:
        if self.is_away:
            self.is_away = False
            _LOG.warning("Redis counts requests again, for all processes together.")

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.bridge.get_connection().aclose()  # type: ignore[attr-defined]  # Missing in its protocol.


def _redis(url: str) -> RedisStorage:
    from redis.asyncio.retry import Retry  # noqa: PLC0415  # Only where Redis is used.
    from redis.backoff import NoBackoff  # noqa: PLC0415

    options: dict[str, Any] = {
        "socket_timeout": PATIENCE,
        "socket_connect_timeout": PATIENCE,
        "retry": Retry(NoBackoff(), 0),
    }
    return RedisStorage(url, wrap_exceptions=True, implementation="redispy", key_prefix="mailroom", **options)


async def _count(limiter: SlidingWindowCounterRateLimiter, rate: Rate, identity: str) -> Count:
    allowed = await limiter.hit(rate.item, identity)
    stats = await limiter.get_window_stats(rate.item, identity)
    return Count(rate, allowed, stats.remaining if allowed else 0, max(1, math.ceil(stats.reset_time - time.time())))
