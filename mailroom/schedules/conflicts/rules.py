"""Warnings about a schedule by itself: its end, its holidays, how long its runs take. Pure."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from itertools import islice, pairwise

from mailroom.schedules.conflicts.parties import Party, spoken
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning
from mailroom.timing import occurrences
from mailroom.timing.model import Immediate, Once

ENDS_SOON_DAYS = 14
_YEAR = dt.timedelta(days=366)
LEAST_RUNS = 3
_NEXT = 60


def ends_soon(mine: Party, now: dt.datetime) -> ScheduleWarning | None:
    """Warn if its last day is within the next 14 days."""
    last = mine.timing.ends_on
    today = now.astimezone(mine.timing.zone).date()
    if last is None or isinstance(mine.timing, Once | Immediate) or not 0 <= (last - today).days <= ENDS_SOON_DAYS:
        return None
    left = list(mine.due(now))
    if not left:
        return None
    message = (
        f"The schedule ends on {last:%A %-d %B %Y} and is due {len(left)} more time{'' if len(left) == 1 else 's'}, "
        f"the last time on {spoken(left[-1], mine.timing)}. Set a later ends_on if it should continue."
    )
    data = {"ends_on": last.isoformat(), "runs_left": len(left), "last_at": left[-1].isoformat()}
    return ScheduleWarning(Code.ENDS_SOON, message, data)


def idle(mine: Party, now: dt.datetime) -> ScheduleWarning | None:
    """Warn if the schedule has no due time for a year, or ever, because it skips holidays."""
    timing = mine.timing
    if isinstance(timing, Once | Immediate) or (
        timing.ends_on and timing.ends_on <= now.astimezone(timing.zone).date()
    ):
        return None
    first = mine.first_due(now)
    if first is not None and (timing.on_holiday != "skip" or first <= now + _YEAR):
        return None
    if first is None:
        message = (
            f"The schedule will never run again: the calendar '{timing.calendar}' takes off each of its "
            "days. Change its "
            "days, on_holiday or the calendar, or delete it."
            if timing.calendar
            else "The schedule will never run again. Change its days or dates, or delete it."
        )
        return ScheduleWarning(Code.NEVER_FIRES, message, {"calendar": timing.calendar})
    plain = timing.model_copy(update={"on_holiday": "run"})
    skipped = list(islice(occurrences(plain, now, mine.business, until=now + _YEAR), _NEXT))
    if not skipped:
        return None
    message = (
        f"The schedule will not run for a year: its due times, from {spoken(skipped[0], timing)} on, fall on days "
        f"that the calendar '{timing.calendar}' takes off. Its first run is due on {spoken(first, timing)}. Choose "
        "on_holiday: next or previous, or another day."
    )
    data = {
        "calendar": timing.calendar,
        "first_at": first.isoformat(),
        "skipped": [moment.isoformat() for moment in skipped[:10]],
    }
    return ScheduleWarning(Code.ONLY_ON_HOLIDAYS, message, data)


def runs_exceed_interval(
    mine: Party, now: dt.datetime, durations: Sequence[dt.timedelta], overlap: str
) -> ScheduleWarning | None:
    """Warn if the 95th percentile of its last runs is longer than the shortest time between two of its next due times.

    Args:
        durations: of the last runs; fewer than three say nothing.
        overlap: the schedule's policy, for what becomes of the next run.
    """
    interval = min((b - a for a, b in pairwise(islice(mine.due(now), _NEXT))), default=None)
    if interval is None or len(durations) < LEAST_RUNS:
        return None
    usual = sorted(durations)[math.ceil(len(durations) * 0.95) - 1]
    if usual <= interval:
        return None
    becomes = {
        "allow": "runs will overlap",
        "cancel_other": "each run cancels the one before",
    }.get(overlap, "some runs will be skipped")
    message = (
        f"A run takes {_minutes(usual)} (95th percentile of the last {len(durations)}), and it is due again after "
        f"{_minutes(interval)}: {becomes}. Run it less often, or make the report or its deliveries faster."
    )
    data = {
        "p95_seconds": usual.total_seconds(),
        "interval_seconds": interval.total_seconds(),
        "runs": len(durations),
    }
    return ScheduleWarning(Code.RUNS_EXCEED_INTERVAL, message, data)


def _minutes(span: dt.timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"
