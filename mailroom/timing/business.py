"""Knows which days are worked. Pure: the holidays of a year come from a function that is passed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_REACH = 60
"""Days within which a business day is looked for; a calendar without one moves nothing there."""


def _none(_year: int) -> Mapping[dt.date, str]:
    return {}


@dataclass(frozen=True)
class BusinessCalendar:
    """A calendar for the calculator.

    Attributes:
        weekend: weekdays (Monday 0) that are not worked.
        holidays: dates that are not worked, with their names.
        working: dates that are worked although the country says otherwise.
        country: the public holidays of a year, with their names.
    """

    weekend: frozenset[int] = frozenset({5, 6})
    holidays: Mapping[dt.date, str] = field(default_factory=dict)
    working: frozenset[dt.date] = frozenset()
    country: Callable[[int], Mapping[dt.date, str]] = _none

    def holiday(self, day: dt.date) -> str | None:
        """Return the name of that day's holiday, or None."""
        if day in self.holidays:
            return self.holidays[day]
        return None if day in self.working else self.country(day.year).get(day)

    def is_business_day(self, day: dt.date) -> bool:
        """Tell whether people work on that day."""
        return (day.weekday() not in self.weekend or day in self.working) and self.holiday(day) is None

    def shifted(self, day: dt.date, step: int) -> dt.date | None:
        """Return the nearest business day in the direction of `step` (1 or -1), or None within 60 days."""
        for distance in range(_REACH):
            candidate = day + dt.timedelta(days=distance * step)
            if self.is_business_day(candidate):
                return candidate
        return None
