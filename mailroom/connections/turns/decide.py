"""Decide how long an attempt may wait for its turn inside its process, and when the others come back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(seconds=10)
"""A wait up to the first is always made in the process, so that a mail to ten people at ten a second is one pass, and
since coming back costs more; one beyond the second never is."""
LONGEST_LINE = timedelta(minutes=5)
"""The line of those that come back is no longer than this, or 20 intervals where those are more; what is beyond shares
the times of those before it."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""A turn that is further in the future than any can be, by more than this, is left from before a clock was set back."""
SESSION_WAIT = timedelta(seconds=2)
"""So long an attempt waits in its process for a session that is free."""
BETWEEN_SESSIONS = timedelta(seconds=1)
"""Whatever found no free session comes back one after the other, so far apart."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a connection; `per_second` is None where its rate is not limited."""

    per_second: float | None
    sessions: int

    @property
    def interval(self) -> timedelta:
        """Return how far apart two attempts begin at least."""
        return timedelta(seconds=1 / self.per_second) if self.per_second else timedelta()


@dataclass(frozen=True, slots=True)
class Turn:
    """An attempt may begin at `at`; where it has to come `back`, it got no turn and asks again then."""

    at: datetime
    back: bool = False


def wait_within(interval: timedelta) -> timedelta:
    """Return how far away a turn may be for which an attempt waits in its process.

    That is two intervals or a second, so that few processes wait for one connection, which keeps up its rate, and all
    others are free for other connections.
    """
    return min(max(2 * interval, SHORTEST_WAIT), LONGEST_WAIT)


def longest_line(interval: timedelta) -> timedelta:
    """Return how long the line of those that come back may become."""
    return max(LONGEST_LINE, 20 * interval)


def furthest(interval: timedelta) -> timedelta:
    """Return how far in the future the next turn can be at most."""
    return wait_within(interval) + interval + CLOCKS_DIFFER


def micros(moment: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(us: int) -> datetime:
    """Return the instant of so many microseconds since 1970."""
    return _EPOCH + us * _MICROSECOND
