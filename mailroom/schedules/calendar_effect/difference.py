"""Find the first due time that two business calendars place differently. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from mailroom.timing import BusinessCalendar, occurrences
from mailroom.timing.model import Timing

AHEAD = timedelta(days=366)
MOST_DUE = 400
"""Due times of one schedule that are compared: a year of working days, or two weeks of one that runs each hour."""


def first_difference(
    timing: Timing, before: BusinessCalendar, after: BusinessCalendar, *, now: datetime
) -> tuple[datetime | None, datetime | None] | None:
    """Return the first due time that two calendars place differently, by the one and by the other. Pure.

    None where they agree for a year, or for as many due times as are compared.
    """
    until = now + AHEAD
    old, new = _due(timing, before, now, until), _due(timing, after, now, until)
    if len(old) == MOST_DUE or len(new) == MOST_DUE:
        # One list may only be longer because it got as far with as many.
        last = min((times[-1] for times in (old, new) if len(times) == MOST_DUE), default=until)
        old, new = [at for at in old if at <= last], [at for at in new if at <= last]
    gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    if not gone and not come:
        return None
    if not gone or not come:
        return (gone[0] if gone else None), (come[0] if come else None)
    # They are one and the same run, moved, where no run that both have lies between them.
    first, other = sorted((gone[0], come[0]))
    if any(first < at < other for at in set(old) & set(new)):
        return (gone[0], None) if gone[0] == first else (None, come[0])
    return gone[0], come[0]


def _due(timing: Timing, business: BusinessCalendar, now: datetime, until: datetime) -> list[datetime]:
    return list(islice(occurrences(timing, now, business, until=until), MOST_DUE))
