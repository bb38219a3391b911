"""The time that a part may take. When it is over, the part reports what it has, and the bench goes on with the next."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from bench.peak import waiting
from bench.peak.options import Options
from bench.peak.waiting import EndedEarly

T = TypeVar("T")

# Starting programs, ending rounds and the like; generous, since the bound is for what hangs.
_SLACK = 300
# A run of the rivals that start an interpreter takes two to four seconds of both cores; a slow machine needs more.
_SECONDS_A_SAMPLED_RUN = 15


class Bound:
    """Counts a part's seconds from its construction on."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock = seconds, clock
        self._began = clock()

    @property
    def spent(self) -> float:
        """Seconds since the part began."""
        return self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds that the part may still take; 0 when its time is over."""
        return max(0.0, self.seconds - self.spent)

    def check(self, doing: str) -> None:
        """Do nothing while there is time.

        Raises:
            EndedEarly: the part's time is over; says what it was doing.
        """
        if not self.left:
            raise EndedEarly(f"its time was over while {doing}")

    def wait_for(self, what: str, look: Callable[[], T], seconds: float, every: float = 0.5) -> T:
        """Wait as `waiting.wait_for` does, within the part's time."""
        return waiting.wait_for(what, look, min(seconds, self.left), every)

    def sleep(self, seconds: float, doing: str) -> None:
        """Sleep so long, or until the part's time is over.

        Raises:
            EndedEarly: it was over first.
        """
        enough = seconds <= self.left
        time.sleep(min(seconds, self.left))
        if not enough:
            raise EndedEarly(f"its time was over while {doing}")

    def sleep_until(self, moment: datetime) -> None:
        """Sleep until then, unless it has passed.

        Raises:
            EndedEarly: the part's time was over first.
        """
        self.sleep(waiting.seconds_until(moment), f"waiting for {moment:%H:%M:%S}")


def seconds(part: str, options: Options) -> float:
    """Return how long a part may take, or each round of the parts `process` and `serve`. Pure."""
    if options.part_seconds:
        return options.part_seconds
    match part:
        case "lag":
            return _until_due(20 * options.lag_minutes) + 60 * options.lag_minutes + _SLACK
        case "peak":
            return _until_due(options.n) + max(600, 2 * options.n) + _SLACK
        case "process" | "serve":
            return _until_due(options.sample) + _SECONDS_A_SAMPLED_RUN * options.sample + _SLACK
        case "celery":
            return max(600, 2 * options.n) + _SLACK
        case "idle":
            return options.idle_seconds + options.idle / 5 + 600 + _SLACK
    raise ValueError(f"There is no part {part!r}.")


def _until_due(n: int) -> float:
    """At most so long after `registering.due_minute(n)` is asked the schedules are due."""
    return n / 12 + 190
