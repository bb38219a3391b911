"""Lay out a year of a business calendar as tables, a month each. Pure."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from babel import Locale
from babel.dates import get_day_names, get_month_names

from mailroom.timing import BusinessCalendar


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the year.

    Attributes:
        number: of the month.
        words: the full date with what the day is, for screen readers and as a tip.
        off: whether nobody works; `holiday`: whether it is more than a weekend.
        extra: whether it is worked although it is a weekend or a public holiday.
    """

    number: int
    words: str
    off: bool
    holiday: bool
    extra: bool
    today: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A month: its weeks from the first day of the week on, with None for days of other months."""

    name: str
    weeks: tuple[tuple[Day | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Year:
    """A year: short and full names of the days of the week, and the months."""

    number: int
    heads: tuple[tuple[str, str], ...]
    months: tuple[Month, ...]
    worked: int
    before: int
    after: int


def year_of(business: BusinessCalendar, number: int, *, today: dt.date, locale: Locale) -> Year:
    """Return a year. Words are English; the week begins as the reader's locale has it."""
    english = Locale("en")
    full, short = get_day_names("wide", locale=english), get_day_names("abbreviated", locale=english)
    months = get_month_names("wide", locale=english)
    first = locale.first_week_day
    order = [(first + step) % 7 for step in range(7)]
    days = calendar.Calendar(first)
    made = tuple(
        Month(
            months[month],
            tuple(
                tuple(
                    _day(business, day, today, full[day.weekday()], months[month]) if day.month == month else None
                    for day in week
                )
                for week in days.monthdatescalendar(number, month)
            ),
        )
        for month in range(1, 13)
    )
    worked = sum(not day.off for month in made for week in month.weeks for day in week if day is not None)
    return Year(number, tuple((short[day], full[day]) for day in order), made, worked, number - 1, number + 1)


def _day(business: BusinessCalendar, day: dt.date, today: dt.date, weekday: str, month: str) -> Day:
    holiday, works = business.holiday(day), business.is_business_day(day)
    extra = works and day in business.working
    what = holiday or ("worked" if extra else "day off" if not works else "")
    words = f"{weekday} {day.day} {month} {day.year}" + (f": {what}" if what else "")
    return Day(day.day, words, not works, holiday is not None, extra, day == today)
