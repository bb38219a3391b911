"""Keeps track of whether Prefect answers, and of when to ask again. Pure: clock and chance are passed in."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


@dataclass
class Outage:
    """The state of an outage as one process sees it; times are seconds of one monotonic clock.

    The pause doubles with each failure up to `LONGEST_PAUSE`, and half of it is left to chance, so that many processes
    do not come back in one instant.
    """

    failures: int = 0
    quiet_until: float = 0.0

    def blocks(self, now: float) -> bool:
        """Tell whether Prefect should be left alone for now."""
        return self.failures > 0 and now < self.quiet_until

    def failed(self, now: float, chance: float) -> bool:
        """Note that Prefect did not answer; `chance` is in [0, 1). Returns whether this begins an outage.

        What was asked before the pause began does not make it longer.
        """
        if self.blocks(now):
            return False
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.failures, 16))
        self.quiet_until = now + pause * (1 + chance) / 2
        self.failures += 1
        return self.failures == 1

    def answered(self) -> bool:
        """Note that Prefect answered; returns whether this ends an outage."""
        over, self.failures = self.failures > 0, 0
        return over
