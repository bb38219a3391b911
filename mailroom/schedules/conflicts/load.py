"""Counts how many schedules are due in each minute of some days. Pure.

Ten thousand schedules have ten thousand times of day, but few rules for their days. So the calculator is asked once for
the days of each rule, by a stand-in that is due at noon, and the times of day are set on those days by the calculator's
own `instant`. Where the clocks change, a timing that repeats through the day is given to the calculator.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

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
_NOON = "12:00"


@lru_cache(maxsize=4096)
def _timing(text: str) -> Timing:
    """Read and check a timing. Kept, since checking a cron expression takes longer than asking for a day of it."""
    return TIMING.validate_json(text)


def local_day(day: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Return the instants at which a local day begins and ends, 23 to 25 hours apart."""
    midnight = dt.datetime.combine(day, dt.time())
    return instant(midnight, zone), instant(midnight + _DAY, zone)


class Load:
    """The number of runs in each minute of a span of time."""

    def __init__(self, runs: Mapping[int, int]) -> None:
        self._runs = runs

    def at(self, moment: dt.datetime) -> int:
        """Return how many runs are due in that minute."""
        return self._runs.get(_number(moment), 0)

    def curve(self, start: dt.datetime, end: dt.datetime) -> list[int]:
        """Return the runs in each quarter of an hour from `start` up to `end`."""
        first, size = _number(start), BUCKET // _MINUTE
        counts = [0] * ((_number(end) - first) // size)
        for bucket in range(len(counts)):
            begin = first + bucket * size
            counts[bucket] = sum(self._runs.get(minute, 0) for minute in range(begin, begin + size))
        return counts

    def busiest(self, start: dt.datetime, end: dt.datetime) -> tuple[dt.datetime, int] | None:
        """Return the first of the minutes with the most runs from `start` up to `end`, or None where nothing runs."""
        inside = ((runs, -minute) for minute, runs in self._runs.items() if _number(start) <= minute < _number(end))
        runs, minute = max(inside, default=(0, 0))
        return (_EPOCH - minute * _MINUTE, runs) if runs else None


def load(
    timings: Mapping[str, int],
    calendars: Mapping[str, BusinessCalendar],
    start: dt.datetime,
    end: dt.datetime,
) -> Load:
    """Return the load from `start` up to `end`.

    Args:
        timings: JSON of a timing, and how many schedules have it.
        calendars: those that the timings name.
    """
    by_rule: dict[str, dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    runs: Counter[int] = Counter()
    changing: dict[str, bool] = {}
    for text, count in timings.items():
        found = _stored(text).at_noon
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
    """Return the ids of the calendars that the timings name."""
    return {calendar for text in timings if (calendar := _stored(text).calendar)}


class _StandIn(NamedTuple):
    """A timing without its times of day and its zone.

    Attributes:
        rule: JSON of the same timing at 12:00 UTC.
        zone: the name of its zone.
        minutes: its minutes of the day.
        repeats: whether it repeats through the day.
    """

    rule: str
    zone: str
    minutes: tuple[int, ...]
    repeats: bool


class _Stored(NamedTuple):
    """A timing as the database has it: the calendar that it names, and its stand-in if it has days of its own."""

    calendar: str | None
    at_noon: _StandIn | None


@lru_cache(maxsize=16384)
def _stored(text: str) -> _Stored:
    """Read a timing's JSON. Kept, since reading takes a third of a check."""
    fields: dict[str, Any] = orjson.loads(text)
    return _Stored(fields.get("calendar"), _at_noon(text, fields))


def _at_noon(text: str, fields: Mapping[str, Any]) -> _StandIn | None:
    """Return the stand-in of a timing, or None for one without days of its own."""
    match fields:
        case {"frequency": "once" | "immediate"}:
            return None
        case {"at": str(at), "timezone": str(zone)}:
            minutes = (_minute_of_day(at),)
            return _StandIn(_rule(fields, at=_NOON), zone, minutes, repeats=False)
        case {"expression": str(expression), "timezone": str(zone)}:
            minute, hour, days = expression.split(maxsplit=2)
            rule = _rule(fields, expression=f"0 12 {days}")
            if minute.isdigit() and hour.isdigit():  # The two fields of one time; the check of the timing is spared.
                return _StandIn(rule, zone, (int(hour) * 60 + int(minute),), repeats=False)
        case {"from": str(), "until": str(), "timezone": str(zone)}:
            rule = _rule(fields, **{"from": _NOON, "until": _NOON})
        case _:
            return None
    timing = _timing(text)
    assert isinstance(timing, Cron | Hourly), "the two that have several times a day"
    return _StandIn(rule, zone, tuple(times(timing)), repeats(timing))


def _minute_of_day(at: str) -> int:
    hour, minute = at.split(":")
    return int(hour) * 60 + int(minute)


def _rule(fields: Mapping[str, Any], **at_noon: str) -> str:
    """Return a timing's JSON with other times of day, in UTC. The database keeps fields in one order, as this does."""
    return orjson.dumps({**fields, **at_noon, "timezone": "UTC"}).decode()


def _clocks_change(zone: str, start: dt.datetime, end: dt.datetime) -> bool:
    return len(list(stretches(zone, start, end))) > 1


def _days(
    rule: Timing, calendars: Mapping[str, BusinessCalendar], start: dt.datetime, end: dt.datetime
) -> list[dt.date]:
    """Return the local days of a rule that may touch the span, whatever the zone."""
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
    """Return the minute as a number, since integers are added and compared ten times as fast as datetimes."""
    return (moment - _EPOCH) // _MINUTE
