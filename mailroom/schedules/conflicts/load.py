"""How many schedules are due in each minute of some days. Pure.

Ten thousand schedules have ten thousand times of day, but few rules for their days. So the calculator is asked once for
the days of each rule, by a stand-in that is due at noon, and the times of day are set on those days by the calculator's
own `instant`. What repeats through the day is asked of the calculator as it is where the clocks change meanwhile.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mailroom.timing import TIMING, BusinessCalendar, Timing, occurrences
from mailroom.timing.model import Cron, Hourly
from mailroom.timing.rules import repeats, times
from mailroom.timing.zones import instant, stretches, zone_named

BUCKET = dt.timedelta(minutes=15)
_MINUTE = dt.timedelta(minutes=1)
_DAY = dt.timedelta(days=1)
_REACH = dt.timedelta(hours=26)  # Local days whose noon, read as UTC, lies farther away do not touch a span.
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TICK = dt.timedelta(microseconds=1)

# Timings as the database has them: JSON of `Timing`, whose strings hold no quotes.
_AT = re.compile(r'"at": ?"([0-2][0-9]):([0-5][0-9])"')
_CRON = re.compile(r'"expression": ?"([^ "]+) ([^ "]+) ')
_HOURS = re.compile(r'"(from|until)": ?"[^"]*"')
_ZONE = re.compile(r'"timezone": ?"([^"]*)"')

_CALENDAR = re.compile(r'"calendar": ?"([^"]+)"')


@lru_cache(maxsize=4096)
def _timing(text: str) -> Timing:
    """Kept, since checking a cron expression takes longer than asking for a day of it."""
    return TIMING.validate_json(text)


def local_day(day: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """The instants at which a local day begins and ends: 23 to 25 hours apart."""
    midnight = dt.datetime.combine(day, dt.time())
    return instant(midnight, zone), instant(midnight + _DAY, zone)


class Load:
    """Runs by minute of a span of time, UTC."""

    def __init__(self, runs: Mapping[int, int]) -> None:
        self._runs = runs

    def at(self, moment: dt.datetime) -> int:
        """Runs that are due in that minute."""
        return self._runs.get(_number(moment), 0)

    def curve(self, start: dt.datetime, end: dt.datetime) -> list[int]:
        """Runs in each quarter of an hour from `start` up to `end`."""
        first, size = _number(start), BUCKET // _MINUTE
        counts = [0] * ((_number(end) - first) // size)
        for bucket in range(len(counts)):
            begin = first + bucket * size
            counts[bucket] = sum(self._runs.get(minute, 0) for minute in range(begin, begin + size))
        return counts

    def busiest(self, start: dt.datetime, end: dt.datetime) -> tuple[dt.datetime, int] | None:
        """The minute with the most runs from `start` up to `end`, the first of several; None where nothing runs."""
        inside = ((runs, -minute) for minute, runs in self._runs.items() if _number(start) <= minute < _number(end))
        runs, minute = max(inside, default=(0, 0))
        return (_EPOCH - minute * _MINUTE, runs) if runs else None


def load(
    timings: Mapping[str, int],
    calendars: Mapping[str, BusinessCalendar],
    start: dt.datetime,
    end: dt.datetime,
) -> Load:
    """The load from `start` up to `end`.

    Args:
        timings: JSON of a timing, and how many schedules have it.
        calendars: those that the timings name.
    """
    by_rule: dict[str, dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    runs: Counter[int] = Counter()
    changing: dict[str, bool] = {}
    for text, count in timings.items():
        found = _at_noon(text)
        if found and found.repeats and found.zone not in changing:
            changing[found.zone] = _clocks_change(found.zone, start - _REACH, end + _REACH)
        if found and not (found.repeats and changing[found.zone]):
            counts = by_rule[found.rule][found.zone]
            for minute in found.minutes:
                counts[minute] += count
            continue
        timing = _timing(text)
        for moment in occurrences(timing, start - _TICK, calendars.get(timing.calendar or ""), until=end - _TICK):
            runs[_number(moment)] += count
    by_day: dict[tuple[str, dt.date], Counter[int]] = defaultdict(Counter)
    for rule, zones in by_rule.items():
        for day in _days(_timing(rule), calendars, start, end):
            for zone, counts in zones.items():
                _add(by_day[zone, day], counts)
    for (zone, day), counts in by_day.items():
        _place(runs, zone, day, counts)
    return Load(runs)


def calendars_in(timings: Iterable[str]) -> set[str]:
    """The ids of the calendars that the timings name."""
    return {found[1] for text in timings if (found := _CALENDAR.search(text))}


class _StandIn(NamedTuple):
    """A timing taken apart: the same at 12:00 UTC, its zone, its minutes of the day, whether it repeats through it."""

    rule: str
    zone: str
    minutes: tuple[int, ...]
    repeats: bool


@lru_cache(maxsize=16384)
def _at_noon(text: str) -> _StandIn | None:
    """The timing taken apart, or None for one without days of its own. Kept: taking apart is a third of a check."""
    zone = _ZONE.search(text)
    if zone is None:
        return None
    rule = text.replace(zone[0], '"timezone": "UTC"', 1)
    if found := _AT.search(rule):
        minutes = (int(found[1]) * 60 + int(found[2]),)
        return _StandIn(_replaced(rule, found, '"at": "12:00"'), zone[1], minutes, repeats=False)
    if found := _CRON.search(rule):
        rule = _replaced(rule, found, '"expression": "0 12 ')
        if found[1].isdigit() and found[2].isdigit():
            return _StandIn(rule, zone[1], (int(found[2]) * 60 + int(found[1]),), repeats=False)
    elif not _HOURS.search(rule):
        return None
    timing = _timing(text)
    assert isinstance(timing, Cron | Hourly), "the two that have several times a day"
    rule = _HOURS.sub(r'"\1": "12:00"', rule)
    return _StandIn(rule, zone[1], tuple(times(timing)), repeats(timing))


def _replaced(text: str, found: re.Match[str], by: str) -> str:
    return text[: found.start()] + by + text[found.end() :]


def _clocks_change(zone: str, start: dt.datetime, end: dt.datetime) -> bool:
    return len(list(stretches(zone, start, end))) > 1


def _days(
    rule: Timing, calendars: Mapping[str, BusinessCalendar], start: dt.datetime, end: dt.datetime
) -> list[dt.date]:
    """The local days of a rule that may touch the span in whatever zone."""
    found = occurrences(rule, start - _REACH, calendars.get(rule.calendar or ""), until=end + _REACH)
    return list(dict.fromkeys(moment.date() for moment in found))


def _add(total: Counter[int], counts: Mapping[int, int]) -> None:
    for minute, count in counts.items():
        total[minute] += count


def _place(runs: Counter[int], name: str, day: dt.date, counts: Mapping[int, int]) -> None:
    """Add the runs of one day in one zone."""
    zone = zone_named(name)
    midnight = dt.datetime.combine(day, dt.time())
    begin, end = local_day(day, zone)
    even = end - begin == _DAY  # The clocks stay as they are: minutes can be counted from midnight.
    begins = _number(begin)
    for minute, count in counts.items():
        due = begins + minute if even else _number(instant(midnight + minute * _MINUTE, zone))
        runs[due] += count


def _number(moment: dt.datetime) -> int:
    """The minute as a number, since integers are added and compared ten times as fast as datetimes."""
    return (moment - _EPOCH) // _MINUTE
