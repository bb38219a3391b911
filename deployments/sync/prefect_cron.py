"""Finds the cron expression and the zone by which Prefect fires on every occurrence of a timing. Pure.

Prefect's cron moves a time that falls into a gap differently than we do, and leaves out the second hour of a fold. A
timing that can meet either is fired in UTC at every instant that its times can have. These are more instants than it
has occurrences: the run's claim asks the calculator, and ends a run that is for no occurrence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import lru_cache

from mailroom.timing import Timing
from mailroom.timing.cron import CronFields, read_cron
from mailroom.timing.model import (
    WEEKDAYS,
    BusinessDay,
    Cron,
    Daily,
    DayRule,
    Hourly,
    Immediate,
    Monthly,
    NthWeekday,
    Once,
    Quarterly,
    Recurring,
    Weekly,
    Yearly,
)
from mailroom.timing.rules import repeats, times
from mailroom.timing.zones import instant, stretches, transitions

_YEARS = range(2024, 2041)
"""The years whose clock changes count; fixed, so that a deployment does not change because time passes."""
_LAST_DAYS = frozenset({28, 29, 30, 31})
"""The days that can be the last of a month."""
_DAY = 24 * 60
_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PrefectCron:
    """The values for Prefect's `CronSchedule`."""

    expression: str
    timezone: str


@dataclass(frozen=True, slots=True)
class _Clocks:
    """The clock changes of a zone within `_YEARS`, in minutes of the local day and of UTC.

    `gaps` has, for each skipped minute, the minutes from its day's midnight in UTC to the end of its gap.
    """

    offsets: frozenset[int]
    folds: frozenset[int]
    gaps: dict[int, frozenset[int]]


def _minutes(start: dt.datetime, end: dt.datetime) -> Iterable[dt.datetime]:
    return (start + n * _MINUTE for n in range((end - start) // _MINUTE))


@lru_cache(maxsize=1024)
def _clocks(name: str) -> _Clocks:
    start = dt.datetime(_YEARS[0], 1, 1, tzinfo=dt.UTC)
    offsets = {offset // _MINUTE for _, _, offset in stretches(name, start, start + _MINUTE)}
    folds: set[int] = set()
    gaps: dict[int, set[int]] = {}
    for year in _YEARS:
        for change in transitions(name, year):
            offsets |= {change.before // _MINUTE, change.after // _MINUTE}
            old, new = change.wall
            folds.update(wall.hour * 60 + wall.minute for wall in _minutes(new, old))
            for wall in _minutes(old, new):
                midnight = dt.datetime.combine(wall.date(), dt.time.min)
                since = (change.at.replace(tzinfo=None) - midnight) // _MINUTE
                gaps.setdefault(wall.hour * 60 + wall.minute, set()).add(since)
    return _Clocks(frozenset(offsets), frozenset(folds), {wall: frozenset(ends) for wall, ends in gaps.items()})


def cron_of(timing: Timing) -> PrefectCron | None:
    """Return a cron that fires on at least every occurrence of the timing, or None for `immediate`."""
    if isinstance(timing, Immediate):
        return None
    if isinstance(timing, Once):
        at = instant(timing.at, timing.zone)
        return PrefectCron(f"{at.minute} {at.hour} {at.day} {at.month} *", "UTC")
    days, walls, clocks = _days(timing), times(timing), _clocks(timing.timezone)
    if not any(wall in (clocks.folds if repeats(timing) else clocks.gaps) for wall in walls):
        clock = _clock(timing.expression) if isinstance(timing, Cron) else _fields(walls)
        return PrefectCron(f"{clock} {days}", timing.timezone)
    instants = {wall - offset for wall in walls for offset in clocks.offsets}
    if not repeats(timing):
        instants |= {end for wall in walls for end in clocks.gaps.get(wall, ())}
    shifts = {minute // _DAY for minute in instants}
    return PrefectCron(f"{_fields({minute % _DAY for minute in instants})} {_moved(days, shifts)}", "UTC")


def _clock(expression: str) -> str:
    return " ".join(expression.split()[:2])


def _fields(walls: Iterable[int]) -> str:
    """Return the fields minute and hour that fire at least at these minutes of the day."""
    pairs = [divmod(wall, 60) for wall in walls]
    return f"{_list({minute for _, minute in pairs}, 60)} {_list({hour for hour, _ in pairs}, 24)}"


def _list(numbers: Set[int], size: int) -> str:
    return "*" if len(numbers) == size else ",".join(map(str, sorted(numbers)))


def _days(timing: Recurring) -> str:
    """Return the fields day-of-month, month and day-of-week, in the timing's zone."""
    if timing.on_holiday in ("next", "previous"):
        return "* * *"
    match timing:
        case Daily() | Hourly(days=None):
            return "* * *"
        case Weekly() | Hourly():
            return f"* * {_weekdays(timing.days or ())}"
        case Monthly():
            return _ruled(timing.day, "*")
        case Quarterly():
            return _ruled(timing.day, ",".join(map(str, range(timing.month_of_quarter, 13, 3))))
        case Yearly():
            return _ruled(timing.day, str(timing.month))
        case Cron():
            fields = read_cron(timing.expression)
            if any(day > 28 for day in fields.days) and not fields.any_day:
                return _written(fields, {0})
            return " ".join(timing.expression.split()[2:])


def _weekdays(names: Iterable[str]) -> str:
    wanted = set(names)
    return ",".join(day for day in WEEKDAYS if day in wanted)


def _ruled(rule: DayRule, months: str) -> str:
    match rule:
        case int():
            days = str(rule) if rule <= 28 else f"28-{rule}"
            return f"{days} {months} *"
        case NthWeekday(nth=-1, weekday=weekday):
            return f"* {months} L{(WEEKDAYS.index(weekday) + 1) % 7}"
        case NthWeekday(nth=nth, weekday=weekday):
            return f"* {months} {weekday}#{nth}"
        case BusinessDay(business_day=number):
            # Which day it is depends on the calendar, but not before that many days of the month, or after.
            return f"{number}-31 {months} *" if number > 0 else f"1-{32 + number} {months} *"
        case _:
            return f"L {months} *"


def _moved(days: str, shifts: Set[int]) -> str:
    """Return the three day fields moved by each of the shifts, -1 to 1 days; they fire on all of those days."""
    return _written(read_cron(f"0 0 {days}"), shifts)


def _written(fields: CronFields, shifts: Set[int]) -> str:
    """Write the three day fields so that they fire at least on every day of `fields`, moved by each of the shifts."""
    days = fields.days | _LAST_DAYS if fields.last_day else fields.days
    moved = {day for shift in shifts for day in _days_moved(days, shift)}
    if max(moved) > min(_LAST_DAYS):
        # Prefect's croniter loses 1 March where 30 or 31 stands beside 1 without the other last days.
        moved |= _LAST_DAYS
    months = fields.months | {month for shift in shifts for month in _months_entered(fields, days, shift)}
    weekdays = {(weekday + shift) % 7 for weekday in _weekdays_of(fields) for shift in shifts}
    any_weekday = fields.any_weekday or len(weekdays) == 7
    return " ".join(
        (
            "*" if fields.any_day else _list(moved, 31),
            _list(months, 12),
            "*" if any_weekday else _weekdays(WEEKDAYS[weekday] for weekday in weekdays),
        )
    )


def _weekdays_of(fields: CronFields) -> Set[int]:
    """Return the weekdays that the fields name, for every week or for the nth of a month."""
    return fields.weekdays | {weekday for weekday, _ in fields.nth}


def _days_moved(days: Set[int], shift: int) -> Set[int]:
    """Return the days of a month that lie `shift` days from these; how long the month is, is not known."""
    inside = {day + shift for day in days if 1 <= day + shift <= 31}
    match shift:
        case -1 if 1 in days:
            return inside | _LAST_DAYS
        case 1 if days & _LAST_DAYS:
            return inside | {1}
        case _:
            return inside


def _months_entered(fields: CronFields, days: Set[int], shift: int) -> Set[int]:
    """Return the months beside the fields' own that their days can reach when they are moved by `shift` days."""
    by_weekday = not fields.any_weekday  # Then the first and the last day of a month may be among the days.
    match shift:
        case -1 if by_weekday or 1 in days:
            return {(month - 2) % 12 + 1 for month in fields.months}
        case 1 if by_weekday or days & _LAST_DAYS:
            return {month % 12 + 1 for month in fields.months}
        case _:
            return set()
