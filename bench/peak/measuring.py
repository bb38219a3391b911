"""Watches what is due at one minute until it is done: the same eyes for the stack and for its rivals."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil

from bench.peak.sink import Sink
from bench.peak.usage import Usage
from bench.peak.waiting import say, sleep_until

# Workers may begin this long before the due time, since they prefetch 10 s ahead.
_EARLY = timedelta(seconds=15)
_LOOK_EVERY = 0.5
_TELL_EVERY = 5.0
_QUIET = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of `n` schedules due at one minute.

    Attributes:
        delivered, duplicates: as the mail server counted them, by recipient.
        late: seconds from due to receipt, one a recipient.
        cpu: CPU seconds a schedule, by part.
        pss_mb: most memory at any look, by part.
    """

    n: int
    delivered: int
    duplicates: int
    late: Sequence[float]
    cpu: dict[str, float]
    pss_mb: dict[str, float]

    @property
    def throughput(self) -> float | None:
        """Deliveries a second, from the due time to the last receipt; None where nothing came."""
        return round(self.delivered / max(self.late), 3) if self.late else None


def quantiles(values: Sequence[float]) -> dict[str, float] | None:
    """p50, p95 and p99 in seconds; None where there are too few values."""
    if len(values) < 2:
        return None
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p95": round(cuts[94], 2), "p99": round(cuts[98], 2)}


def watch(
    sink: Sink, roots: Sequence[psutil.Process], due: datetime, n: int, ended: Callable[[], int], seconds: float
) -> Outcome:
    """Wait for the due time and then until `ended` gives `n`; whatever came until then, or within `seconds`, counts."""
    usage = Usage()
    sleep_until(due - _EARLY)
    usage.sample(roots)
    before = dict(usage.cpu)
    sleep_until(due)
    deadline, done, told = time.monotonic() + seconds, 0, time.monotonic()
    while done < n and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY)
        done = ended()
        if done >= n or time.monotonic() > told + _TELL_EVERY:
            told = time.monotonic()
            usage.sample(roots)
            say(f"{(datetime.now(UTC) - due).total_seconds():4.0f} s: {done} of {n} ended, {sink.taken.total()} mails")
    if done < n:
        say(f"GIVEN UP after {seconds:g} s: only {done} of {n} have ended")
    time.sleep(_QUIET)  # A duplicate may still come.
    late = [moment - due.timestamp() for moment in sink.at.values()]
    return Outcome(
        n=n,
        delivered=len(sink.taken),
        duplicates=sink.duplicates,
        late=late,
        cpu={part: round(spent / n, 4) for part, spent in usage.since(before).items()},
        pss_mb={part: round(size / 2**20, 1) for part, size in usage.peak_pss.items()},
    )


def ended_query(prefix: str) -> str:
    """Counts the executions of schedules with this prefix that have ended."""
    return f"""SELECT count(*) FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
        WHERE s.name LIKE '{prefix} %' AND e.status IN
        ('success', 'partial', 'failed', 'cancelled', 'skipped', 'missed')"""
