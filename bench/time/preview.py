"""Measure previews within one warm process: the forecast and the checks of random timings, in milliseconds."""

from __future__ import annotations

import datetime as dt
import random
import statistics
import time
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bench.time.oracle import OFFICE
from bench.time.timings import ZONES, cron_timing, timing_of_words
from mailroom.schedules.forecast import forecast, timing_faults
from mailroom.timing import Timing

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)


def once(words: dict[str, Any], now: dt.datetime) -> tuple[float, float] | None:
    """Milliseconds, by the clock and of CPU, from the words of a timing to its due times; None for refused words."""
    began, used = time.perf_counter(), time.process_time()
    try:
        timing = TIMING.validate_python(words)
    except ValidationError:
        return None
    timing_faults(timing, OFFICE, now=now, least=dt.timedelta(hours=1))
    forecast(timing, OFFICE, now=now, count=10)
    return (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000


def preview_p95_ms(count: int = 3000) -> float:
    """The 95th percentile of so many previews of random timings in random zones."""
    pick, now = random.Random(7), dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    taken: list[tuple[float, float]] = []
    while len(taken) < count:
        words = {**pick.choice((cron_timing, timing_of_words))(pick), "timezone": pick.choice(ZONES)}
        if (milliseconds := once(words, now)) is not None:
            taken.append(milliseconds)
    clock, used = (statistics.quantiles(values, n=100, method="inclusive") for values in zip(*taken, strict=True))
    print(f"  p50 {clock[49]:.2f} ms, p99 {clock[98]:.2f} ms; of CPU p50 {used[49]:.2f} ms, p95 {used[94]:.2f} ms")
    return float(round(clock[94], 2))
