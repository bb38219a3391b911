"""Turns each timing into days and times of day, before zones, holidays and bounds. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from mailroom.timing.business import BusinessCalendar
from mailroom.timing.cron import read_cron
from mailroom.timing.model import (
    WEEKDAYS,
    BusinessDay,
    Cron,
    Daily,
    DayRule,
    Hourly,
    Monthly,
    NthWeekday,
    Quarterly,
    Recurring,
    Weekday,
    Weekly,
    Yearly,
)

_JANUARY_1_OF_YEAR_1 = date(1, 1, 1).toordinal()  # A Monday.


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a year: its first day counted as `date.toordinal`, and how many days it has."""

    year: int
    month: int
    first: int
    length: int

    @classmethod
    def of(cls, year: int, month: int) -> Month:
        """Return the month; month 13 is January of the next year, and 0 December of the one before."""
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        first = date(year, month, 1).toordinal()
        following = date(year + month // 12, month % 12 + 1, 1).toordinal()
        return cls(year, month, first, following - first)

    @property
    def first_weekday(self) -> int:
        """Return the weekday of the month's first day, Monday 0."""
        return (self.first - _JANUARY_1_OF_YEAR_1) % 7

    def weekdays(self, weekday: int) -> range:
        """Return the days of the month that are such a weekday."""
        return range(1 + (weekday - self.first_weekday) % 7, self.length + 1, 7)


def times(timing: Recurring) -> Sequence[int]:
    """Return the wall-clock minutes since midnight at which the timing fires on its days, in order."""
    match timing:
        case Hourly():
            return range(
                timing.from_.hour * 60 + timing.from_.minute,
                timing.until.hour * 60 + timing.until.minute + 1,
                timing.every * 60,
            )
        case Cron():
            return read_cron(timing.expression).times
        case _:
            return (timing.at.hour * 60 + timing.at.minute,)


def repeats(timing: Recurring) -> bool:
    """Tell whether the timing repeats through the day, and so fires in both hours of a fold and in none of a gap."""
    match timing:
        case Hourly():
            return True
        case Cron():
            return read_cron(timing.expression).repeats
        case _:
            return False


def month_days(timing: Recurring, month: Month, business: BusinessCalendar) -> Sequence[int]:
    """Return the timing's days within the month, in order, before holidays move them."""
    match timing:
        case Daily():
            return range(1, month.length + 1)
        case Weekly():
            return _weekdays(timing.days, month)
        case Hourly():
            return _weekdays(timing.days, month) if timing.days else range(1, month.length + 1)
        case Monthly():
            return _ruled(timing.day, month, business)
        case Quarterly():
            return _ruled(timing.day, month, business) if (month.month - timing.month_of_quarter) % 3 == 0 else ()
        case Yearly():
            return _ruled(timing.day, month, business) if month.month == timing.month else ()
        case Cron():
            fields = read_cron(timing.expression)
            if month.month not in fields.months:
                return ()
            return fields.month_days(month.first_weekday, month.length)


def _weekdays(names: Collection[Weekday], month: Month) -> list[int]:
    return sorted(day for name in set(names) for day in month.weekdays(WEEKDAYS.index(name)))


def _ruled(rule: DayRule, month: Month, business: BusinessCalendar) -> Sequence[int]:
    """Return the one day of the month that the rule means, if there is one."""
    match rule:
        case int():
            return (min(rule, month.length),)
        case NthWeekday():
            same = month.weekdays(WEEKDAYS.index(rule.weekday))
            if rule.nth > len(same):
                return ()
            return (same[rule.nth - 1 if rule.nth > 0 else -1],)
        case BusinessDay():
            worked = [
                day
                for day in range(1, month.length + 1)
                if business.is_business_day(date(month.year, month.month, day))
            ]
            wanted = rule.business_day - 1 if rule.business_day > 0 else rule.business_day
            return worked[wanted : wanted + 1 or None]
        case _:
            return (month.length,)
