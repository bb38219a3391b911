"""Watches what is due at one minute until it is done: the same eyes for the stack and for its rivals."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil

from bench.peak.bound import Bound
from bench.peak.result import EARLY
from bench.peak.sink import Sink
from bench.peak.usage import Usage
from bench.peak.waiting import say

# Workers may begin this long before the due time, since they prefetch 10 s ahead.
_EARLY = timedelta(seconds=15)
_LOOK_EVERY = 0.5
_TELL_EVERY = 5.0
_QUIET = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of `n` schedules that were due in one minute.

    Attributes:
        delivered, duplicates: as the mail server counted them, by recipient.
        late: seconds from due to receipt, one a recipient.
        cpu: CPU seconds a schedule, by part; where it was given up, one of those that had ended.
        pss_mb: most memory at any look, by part.
        gave_up_after: seconds from due until the part's time was over; None where everything ended before.
        ended: how many had ended.
    """

    n: int
    delivered: int
    duplicates: int
    late: Sequence[float]
    cpu: dict[str, float]
    pss_mb: dict[str, float]
    ended: int
    gave_up_after: float | None = None

    @property
    def throughput(self) -> float | None:
        """Deliveries a second, from the due time to the last receipt; None where nothing came.

        Where not everything ended, the time counts until it was given up: the last receipt may lie long before.
        """
        return round(self.delivered / (self.gave_up_after or max(self.late)), 3) if self.late else None

    @property
    def note(self) -> dict[str, str]:
        """Return the note about an early end that goes with a part's figures; empty if everything ended."""
        return {} if self.gave_up_after is None else {EARLY: f"{self.ended} of {self.n} had ended"}


def quantiles(values: Sequence[float]) -> dict[str, float] | None:
    """p50, p95 and p99 in seconds; None where there are too few values."""
    if len(values) < 2:
        return None
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p95": round(cuts[94], 2), "p99": round(cuts[98], 2)}


def watch(
    sink: Sink, roots: Sequence[psutil.Process], due: datetime, n: int, ended: Callable[[], int], bound: Bound
) -> Outcome:
    """Wait for the due time and then until `ended` gives `n`; whatever came until then, or within the bound, counts.

    Raises:
        EndedEarly: the part's time was over before the due time.
    """
    usage = Usage()
    bound.sleep_until(due - _EARLY)
    usage.sample(roots)
    before = dict(usage.cpu)
    bound.sleep_until(due)
    done, told = 0, time.monotonic()
    while done < n and bound.left:
        time.sleep(_LOOK_EVERY)
        done = ended()
        if done >= n or time.monotonic() > told + _TELL_EVERY:
            told = time.monotonic()
            usage.sample(roots)
            say(f"{(datetime.now(UTC) - due).total_seconds():4.0f} s: {done} of {n} ended, {sink.taken.total()} mails")
    gave_up = done < n
    time.sleep(_QUIET)  # A duplicate may still come.
    after = (datetime.now(UTC) - due).total_seconds()
    if gave_up:
        done = ended()
        usage.sample(roots)
        say(f"GIVEN UP {after:.0f} s after the due time: {done} of {n} have ended")
    late = [moment - due.timestamp() for moment in sink.at.values()]
    return Outcome(
        n=n,
        delivered=len(sink.taken),
        duplicates=sink.duplicates,
        late=late,
        cpu={part: round(spent / (max(done, 1) if gave_up else n), 4) for part, spent in usage.since(before).items()},
        pss_mb={part: round(size / 2**20, 1) for part, size in usage.peak_pss.items()},
        ended=done,
        gave_up_after=after if gave_up else None,
    )


def ended_query(prefix: str) -> str:
    """Counts the executions of schedules with this prefix that have ended."""
    return f"""SELECT count(*) FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
        WHERE s.name LIKE '{prefix} %' AND e.status IN
        ('success', 'partial', 'failed', 'cancelled', 'skipped', 'missed')"""
