"""Define what can be drawn of a period. Each is bounded: a chart has at most 169 steps, a list `MOST` rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mailroom.states import ExecutionState

MOST = 10


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one step of a chart, an hour or a local day, which begins at `at` in the zone that was asked for.

    Attributes:
        outcomes: how many scheduled occurrences that were due in it ended so; states without any are left out.
        p50, p95: within how many seconds of their time half, and 95 %, of the successes were delivered; None without
            any.
    """

    at: datetime
    outcomes: Mapping[ExecutionState, int] = field(default_factory=dict)
    p50: float | None = None
    p95: float | None = None

    @property
    def total(self) -> int:
        """Return how many ended."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Queue:
    """Count what has not ended at this moment, of every kind.

    Attributes:
        waiting: due and not begun, `held` by a stop not counted.
        retrying: they wait for another try. running: a pass works on them.
        oldest_due: when the first of those that wait to begin was due.
    """

    waiting: int = 0
    running: int = 0
    retrying: int = 0
    held: int = 0
    oldest_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class DayLoad:
    """Count the runs due in each quarter of an hour of a local day: 96 values, or 92 or 100 as clocks change."""

    start: datetime
    runs: tuple[int, ...] = ()
    busiest: datetime | None = None
    busiest_runs: int = 0


@dataclass(frozen=True, slots=True)
class DestinationFailures:
    """Count the deliveries through a connection that were not confirmed, of occurrences that have ended."""

    channel: str
    connection: str
    failed: int
    total: int


@dataclass(frozen=True, slots=True)
class SlowReport:
    """Say how long a report was rendered, in seconds, with its queries; up to 300 renderings an hour are looked at."""

    report_id: str
    title: str
    renderings: int
    average: float
    longest: float


@dataclass(frozen=True, slots=True)
class Series:
    """All that is drawn of a period, from one reading. `more_destinations` and `more_reports` say how many were cut."""

    since: datetime
    until: datetime
    by_day: bool
    steps: tuple[Step, ...]
    destinations: tuple[DestinationFailures, ...]
    more_destinations: int
    reports: tuple[SlowReport, ...]
    more_reports: int
