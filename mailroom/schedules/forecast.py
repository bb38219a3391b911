"""Predict the next due times of a timing in words, and find the reasons to refuse it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from mailroom.errors import Fault, Limited
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning
from mailroom.timing import BusinessCalendar, Occurrence, Timing, closest, occurrences, scheduled
from mailroom.timing.model import Immediate, Once
from mailroom.timing.words import date_words, moment_words, offset_words, sentence, span_words


@dataclass(frozen=True, slots=True)
class Moved:
    """The reason why an occurrence is not at the local time that the timing names; `local` is that time, naive."""

    local: datetime
    reason: Literal["holiday", "clock_change"]
    why: str


@dataclass(frozen=True, slots=True)
class DueTime:
    """One occurrence. `offset_change` is set on the first one after a change of the clocks."""

    at: datetime
    local: datetime
    words: str
    offset_change: str | None = None
    moved_from: Moved | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next due times, the timing as a sentence, and what its owner should know."""

    due: list[DueTime]
    words: str
    warnings: list[ScheduleWarning] = field(default_factory=list)


def forecast(
    timing: Timing,
    business: BusinessCalendar,
    *,
    now: datetime,
    count: int = 10,
    jitter: timedelta = timedelta(),
) -> Forecast:
    """Return at most `count` due times from `now` on, and warnings; each run starts up to `jitter` later."""
    if isinstance(timing, Immediate):
        local = now.astimezone(timing.zone)
        return Forecast([DueTime(now, local, moment_words(local))], sentence(timing))
    due, warnings = [], _jitter_warnings(jitter)
    before = now.astimezone(timing.zone)
    for occurrence in islice(scheduled(timing, now, business), count):
        local = occurrence.at.astimezone(timing.zone)
        old, new = offset_words(before), offset_words(local)
        moved = _moved(timing, occurrence, local, business)
        due.append(DueTime(occurrence.at, local, moment_words(local), f"{old} -> {new}" if old != new else None, moved))
        before = local
        if moved and moved.reason == "clock_change":
            message = f"{date_words(moved.local)}: {moved.why}. The run is due at {local:%H:%M} instead."
            warnings.append(ScheduleWarning(Code.CLOCK_CHANGE, message, {"at": occurrence.at.isoformat()}))
    return Forecast(due, sentence(timing), warnings)


def _moved(timing: Timing, occurrence: Occurrence, local: datetime, business: BusinessCalendar) -> Moved | None:
    named = occurrence.named
    if local.replace(tzinfo=None) == named:
        return None
    day = named.date()
    if timing.on_holiday in ("next", "previous") and not business.is_business_day(day):
        return Moved(named, "holiday", f"{date_words(day)} is {business.holiday(day) or 'not a business day'}")
    why = f"{named:%H:%M} does not exist in {timing.timezone} on that day (the clocks go forward)"
    return Moved(named, "clock_change", why)


def _jitter_warnings(jitter: timedelta) -> list[ScheduleWarning]:
    if not jitter:
        return []
    message = f"Each run starts up to {span_words(jitter)} after its due time, to spread the load (policy.jitter)."
    return [ScheduleWarning(Code.JITTER, message, {"up_to_seconds": int(jitter.total_seconds())})]


def jitter_faults(jitter: timedelta, timing: Timing, business: BusinessCalendar, *, now: datetime) -> list[Fault]:
    """Return the fault of a jitter that is too long for the timing: a run might start after the next one is due."""
    pair = closest(timing, now, business) if jitter and not isinstance(timing, Immediate) else None
    if pair is None or jitter < pair.interval:
        return []
    message = f"The jitter is {span_words(jitter)}, but the schedule is due again after {span_words(pair.interval)}."
    return [Fault("policy.jitter", message, f"Choose a jitter of less than {span_words(pair.interval)}.")]


def timing_faults(
    timing: Timing, business: BusinessCalendar, *, now: datetime, least: timedelta, ask: str = "an admin"
) -> list[Fault]:
    """Return the faults of a timing: it has no due time, or two due times are less than `least` apart.

    Args:
        least: zero where any time between them will do.
        ask: whom the fault tells to ask for a shorter time.
    """
    if isinstance(timing, Immediate):
        return []
    if next(occurrences(timing, now, business), None) is None:
        remedy = "Choose a time in the future." if isinstance(timing, Once) else "Check day, month and end date."
        return [Fault("timing", "This timing has no due time in the next nine years.", remedy)]
    pair = closest(timing, now, business) if least else None
    if pair is None or pair.interval >= least:
        return []
    first, second = (moment.astimezone(timing.zone) for moment in (pair.earlier, pair.later))
    because = " because the clocks change" if pair.by_clocks else ""
    return [
        Fault(
            "timing",
            f"The timing is due on {moment_words(first)} and again {span_words(pair.interval)} later at "
            f"{second:%H:%M}{because}; "
            f"at least {span_words(least)} must lie between two due times.",
            f"Choose a longer interval, or ask {ask} to lower MAILROOM_MINIMUM_INTERVAL_SECONDS.",
            Limited("interval_seconds", int(least.total_seconds()), int(pair.interval.total_seconds()), ask),
            code="short_interval",
        )
    ]
