"""Converts between local times and instants, and knows what daylight saving does to a wall clock. Pure.

The rule is the one of Debian's cron. A fixed time that lies in a gap fires at the first instant after it; one that lies
in a fold fires the first time. A repeating timing goes by `stretches`, in which the wall clock runs evenly: it fires at
every real instant whose wall clock matches, so in both hours of a fold and in none of a gap.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_SECOND = dt.timedelta(seconds=1)
_DAY = dt.timedelta(days=1)


@cache
def zone_named(name: str) -> ZoneInfo:
    """Return the zone's rules, kept: `zoneinfo` itself remembers eight."""
    return ZoneInfo(name)


def known_zone(name: str) -> str:
    """Return the zone, or UTC for one that is in no list any more."""
    try:
        zone_named(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
    return name


@dataclass(frozen=True, slots=True)
class Transition:
    """The instant at which a zone's offset from UTC changes."""

    at: dt.datetime
    before: dt.timedelta
    after: dt.timedelta

    @property
    def wall(self) -> tuple[dt.datetime, dt.datetime]:
        """Return what clocks show at that instant by the old offset and by the new one; naive."""
        naive = self.at.replace(tzinfo=None)
        return naive + self.before, naive + self.after


def _offset(zone: ZoneInfo, moment: dt.datetime) -> dt.timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None, "a zone of the IANA list always knows its offset"
    return offset


def _change(zone: ZoneInfo, low: dt.datetime, high: dt.datetime) -> dt.datetime:
    """Return the first instant in (low, high] with the offset of `high`; they lie at most some days apart."""
    after = _offset(zone, high)
    while high - low > _SECOND:
        middle = low + dt.timedelta(seconds=(high - low) // _SECOND // 2)
        low, high = (low, middle) if _offset(zone, middle) == after else (middle, high)
    return high


@lru_cache(maxsize=16384)
def transitions(name: str, year: int) -> tuple[Transition, ...]:
    """Return every change of the zone's offset in that year of UTC, in order."""
    zone, found = zone_named(name), []
    low = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    before = _offset(zone, low)
    while low.year == year:
        high = low + _DAY
        after = _offset(zone, high)
        if after != before:
            found.append(Transition(_change(zone, low, high), before, after))
        low, before = high, after
    return tuple(found)


def instant(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the UTC instant of a naive wall-clock time: after a gap its end, in a fold the first of the two."""
    first, second = zone.utcoffset(local), zone.utcoffset(local.replace(fold=1))
    assert first is not None
    assert second is not None
    moment = (local - first).replace(tzinfo=dt.UTC)
    if first >= second:
        return moment
    return _change(zone, (local - second).replace(tzinfo=dt.UTC) - _SECOND, moment)


def stretches(
    name: str, start: dt.datetime, end: dt.datetime
) -> Iterator[tuple[dt.datetime, dt.datetime, dt.timedelta]]:
    """Yield the time from `start` up to `end` in pieces (start, end, offset) within which the offset is the same."""
    offset = _offset(zone_named(name), start)
    for year in range(start.year, end.year + 1):
        for change in transitions(name, year):
            if start < change.at < end:
                yield start, change.at, offset
                start, offset = change.at, change.after
    yield start, end, offset
