"""Decide when a delivery is tried again. Pure: the jitter comes from the delivery's key."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

DELAYS = (5, 60, 300, 900, 1800, 3600, 7200, 18000)
"""Seconds after the first, second, … failed attempt; the last one repeats."""

JITTER = 0.2
"""A delay is longer by up to this share of itself, so that a thousand deliveries do not return in one second."""


LONGEST_WINDOW = timedelta(minutes=5)


def shared_window(attempts: int) -> timedelta:
    """Return how long a delivery that failed so often waits for others, so that one pass tries them all.

    That is as long as its jitter may be, so that a round of retries takes a few passes however many deliveries it has.
    """
    return min(timedelta(seconds=_delay(attempts) * JITTER), LONGEST_WINDOW)


def _delay(attempts: int) -> float:
    return float(DELAYS[min(max(attempts, 1), len(DELAYS)) - 1])


def next_attempt(
    *, attempts: int, max_attempts: int, now: datetime, not_before: float | None, key: str
) -> datetime | None:
    """Return when a delivery is tried again after `attempts` failed ones, or None when no try is left.

    Args:
        not_before: seconds that the far side asked us to wait, at most a day is honoured.
    """
    if attempts >= max_attempts:
        return None
    delay = _delay(attempts)
    share = int.from_bytes(hashlib.sha256(f"{key}:{attempts}".encode()).digest()[:4]) / 2**32
    delay *= 1 + JITTER * share
    return now + timedelta(seconds=max(delay, min(not_before or 0, 86_400)))
