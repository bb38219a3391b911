"""A minute in which too many schedules are due, and a better one near it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from mailroom.schedules.conflicts.load import BUCKET, Load, local_day
from mailroom.schedules.conflicts.parties import Party, spoken
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning
from mailroom.timing import Timing

DAYS = 7
"""A week from the next due time, since Monday may be full and Saturday empty."""
_MARGIN = dt.timedelta(hours=1)
_WITHIN = 30
_DAY = dt.timedelta(days=1)


def span(mine: Party, now: dt.datetime) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the period whose load matters to this schedule, or None if it has no due time left."""
    first = next(mine.due(now), None) or mine.first_due(now)
    if first is None:
        return None
    start, _ = local_day(first.astimezone(mine.timing.zone).date(), mine.timing.zone)
    return start - _MARGIN, start + DAYS * _DAY + _MARGIN


def crowded_minute(mine: Party, now: dt.datetime, others: Load, limit: int) -> ScheduleWarning | None:
    """Warn if the fullest of its due minutes in the coming week has more than `limit` runs, including its own."""
    window = span(mine, now)
    if window is None:
        return None
    due = list(mine.due(now, window[1] - _MARGIN))
    if not due:
        return None
    worst = max(due, key=others.at)
    runs = others.at(worst) + 1
    if runs <= limit:
        return None
    better = _better(due, others)
    data = {
        "at": worst.isoformat(),
        "runs": runs,
        "limit": limit,
        "proposed": None,
        "load": load_of_day(worst, mine.timing, others),
    }
    advice = f"The {_WITHIN} minutes before and after are just as crowded. Choose another hour."
    if better is not None:
        moved = worst + better * dt.timedelta(minutes=1)
        local = moved.astimezone(mine.timing.zone)
        quieter = max(others.at(moment + better * dt.timedelta(minutes=1)) for moment in due) + 1
        data["proposed"] = {
            "at": moved.isoformat(),
            "local_time": f"{local:%H:%M}",
            "minutes": better,
            "runs": quieter,
        }
        advice = (
            f"At {local:%H:%M} there would be {quieter}. Choose that time, or set policy.jitter to spread the start."
        )
    message = (
        f"{runs} schedules are due on {spoken(worst, mine.timing)}, more than the {limit} that can start "
        "without delay, "
        f"so this one may start late. {advice}"
    )
    return ScheduleWarning(Code.CROWDED_MINUTE, message, data)


def _better(due: Sequence[dt.datetime], others: Load) -> int | None:
    """Return how many minutes to move so that its fullest minute is least full; the nearest, later before earlier."""

    def fullest(minutes: int) -> int:
        return max(others.at(moment + minutes * dt.timedelta(minutes=1)) for moment in due)

    offsets = sorted(range(-_WITHIN, _WITHIN + 1), key=lambda minutes: (abs(minutes), -minutes))
    best = min(offsets, key=fullest)
    return best if fullest(best) < fullest(0) else None


def load_of_day(moment: dt.datetime, timing: Timing, others: Load) -> dict[str, object]:
    """Return the load curve of a local day, for charts: the runs in each quarter of an hour from midnight on."""
    day = moment.astimezone(timing.zone).date()
    start, end = local_day(day, timing.zone)
    return {
        "date": day.isoformat(),
        "timezone": timing.timezone,
        "start": start.isoformat(),
        "bucket_minutes": int(BUCKET.total_seconds() // 60),
        "runs": others.curve(start, end),
    }
