"""Find schedules that send the same report with the same parameters to the same people at about the same time. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from mailroom.schedules.conflicts.parties import Party, spoken
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning

_NAMED = 3


def duplicate(mine: Party, other: Party, now: dt.datetime, window: dt.timedelta) -> ScheduleWarning | None:
    """Warn about the first time that both send within `window`. Different parameters make a different report."""
    people = [share.label for share, _ in mine.shared_with(other, "recipient")]
    if not people or mine.parameters != other.parameters:
        return None
    met = first_meeting(mine.due(now), other.due(now), window)
    if met is None:
        return None
    here, there = met
    minutes = int(abs((there - here).total_seconds()) // 60)
    distance = f"{minutes} min {'before' if there < here else 'after'}" if minutes else "in the same minute as"
    named = ", ".join(people[:_NAMED]) + (f" and {len(people) - _NAMED} more" if len(people) > _NAMED else "")
    message = (
        f"{other.called()} sends the same report with the same parameters to {named}, {distance} this one of "
        f"{spoken(here, mine.timing)}. Delete one of the schedules, or remove these recipients from one."
    )
    return ScheduleWarning(
        Code.DUPLICATE,
        message,
        {
            "schedule": other.reference(),
            "recipients": people,
            "at": here.isoformat(),
            "other_at": there.isoformat(),
            "minutes_apart": minutes,
        },
    )


def first_meeting(
    mine: Iterable[dt.datetime], theirs: Iterable[dt.datetime], window: dt.timedelta
) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the first pair of two ascending series that lies within `window`, or None. Read no further than needed."""
    left, right = iter(mine), iter(theirs)
    here, there = _next(left), _next(right)
    while here is not None and there is not None:
        if abs(there - here) <= window:
            return here, there
        if here < there:
            here = _next(left)
        else:
            there = _next(right)
    return None


def _next(series: Iterator[dt.datetime]) -> dt.datetime | None:
    return next(series, None)
