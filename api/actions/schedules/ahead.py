"""Remember what is ahead of timings, since working it out is most of what a page of schedules takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from cachetools import LRUCache

from mailroom.schedules.forecast import Forecast, forecast
from mailroom.schedules.spec import ScheduleSpec
from mailroom.timing import BusinessCalendar

SHOWN_RUNS = 5
_MOST = 10_000
"""Each takes about 2 KB."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A forecast, and what it was made from beside timing and jitter."""

    forecast: Forecast
    business: BusinessCalendar
    at: datetime
    offset: timedelta | None

    def holds(self, business: BusinessCalendar, now: datetime, offset: timedelta | None) -> bool:
        """Tell whether it would be the same now: nothing was due since, and the clocks have not changed. Pure."""
        due = self.forecast.due
        in_time = bool(due) and self.at <= now < due[0].at
        return in_time and offset == self.offset and business == self.business


_KNOWN: LRUCache[tuple[str, timedelta], _Known] = LRUCache(_MOST)
_LOCK = Lock()  # Views are made in threads.


def ahead_of(spec: ScheduleSpec, business: BusinessCalendar, now: datetime) -> Forecast:
    """Return the next due times of a schedule, and what its owner should know of them.

    Schedules with the same timing and jitter share what is remembered.
    """
    timing, jitter = spec.timing, spec.policy.jitter
    key, offset = (timing.model_dump_json(), jitter), now.astimezone(timing.zone).utcoffset()
    with _LOCK:
        known = _KNOWN.get(key)
    if known is None or not known.holds(business, now, offset):
        found = forecast(timing, business, now=now, count=SHOWN_RUNS, jitter=jitter)
        known = _Known(found, business, now, offset)
        with _LOCK:
            _KNOWN[key] = known
    return known.forecast
