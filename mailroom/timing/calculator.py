"""Calculates the instants that a timing means. Preview, gate, claim, sync and watchdog all ask this module. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import groupby, islice, pairwise
from typing import NamedTuple

from mailroom.timing.business import BusinessCalendar
from mailroom.timing.model import Immediate, Once, Recurring, Timing
from mailroom.timing.rules import Month, month_days, repeats, times
from mailroom.timing.zones import instant, stretches, transitions

_HORIZON = dt.timedelta(days=366 * 9)
"""How far a next occurrence is looked for: 29 February comes at most eight years after another."""
_HOLIDAYS = 60
"""Days by which a holiday can move an occurrence."""
_NORMAL = BusinessCalendar()
_MOMENT = dt.timedelta(microseconds=1)
_DAY = dt.timedelta(days=1)


class Occurrence(NamedTuple):
    """One due time: the instant, in UTC, and the naive local time that the timing's words name.

    They differ where a holiday or a gap moved it.
    """

    at: dt.datetime
    named: dt.datetime


def _named_days(timing: Recurring, first: int, last: int, business: BusinessCalendar) -> Iterator[int]:
    """Yield the days that the timing names, as ordinals, in order."""
    begin, end = dt.date.fromordinal(first), dt.date.fromordinal(last)
    for number in range(begin.year * 12 + begin.month, end.year * 12 + end.month + 1):
        month = Month.of(0, number)
        for day in month_days(timing, month, business):
            ordinal = month.first + day - 1
            if first <= ordinal <= last:
                yield ordinal


def _fire_days(timing: Recurring, first: int, last: int, business: BusinessCalendar) -> Iterator[tuple[int, int]]:
    """Yield pairs of the day on which it fires, by the holiday rule, and the day that it names, as ordinals."""
    match timing.on_holiday:
        case "run":
            yield from ((day, day) for day in _named_days(timing, first, last, business))
        case "skip":
            for day in _named_days(timing, first, last, business):
                if business.is_business_day(dt.date.fromordinal(day)):
                    yield day, day
        case rule:
            # A later day never moves to before an earlier one, so those that meet on one day are neighbours.
            step = 1 if rule == "next" else -1
            named = _named_days(timing, first - _HOLIDAYS, last + _HOLIDAYS, business)
            moved = ((business.shifted(dt.date.fromordinal(day), step), day) for day in named)
            for fires, group in groupby(moved, key=lambda pair: pair[0]):
                if fires and first <= fires.toordinal() <= last:
                    days = [day for _, day in group]
                    yield fires.toordinal(), fires.toordinal() if fires.toordinal() in days else days[0]


def _clock(minutes: Iterable[int]) -> list[dt.time]:
    return [dt.time(*divmod(minute, 60)) for minute in minutes]


def _fixed(
    timing: Recurring, days: tuple[int, int], business: BusinessCalendar, after: dt.datetime
) -> Iterator[Occurrence]:
    """Yield the occurrences of a fixed time of day, once a day: in a gap at its end, in a fold the first time."""
    zone, clock, last = timing.zone, _clock(times(timing)), after
    for fires, named in _fire_days(timing, *days, business):
        day = dt.date.fromordinal(fires)
        for time in clock:
            at = instant(dt.datetime.combine(day, time), zone)
            if at > last:
                last = at
                yield Occurrence(at, dt.datetime.combine(dt.date.fromordinal(named), time))


def _repeating(
    timing: Recurring, business: BusinessCalendar, after: dt.datetime, until: dt.datetime
) -> Iterator[Occurrence]:
    """Yield the occurrences of a repeating timing: it fires whenever the wall clock matches."""
    clock = _clock(times(timing))
    starts, ends = (timing.starts_on or dt.date.min).toordinal(), (timing.ends_on or dt.date.max).toordinal()
    for start, end, offset in stretches(timing.timezone, after, until + _MOMENT):
        begin, finish = (start + offset).replace(tzinfo=None), (end + offset).replace(tzinfo=None)
        days = max(begin.toordinal(), starts), min(finish.toordinal(), ends)
        for fires, named in _fire_days(timing, *days, business):
            day = dt.date.fromordinal(fires)
            for time in clock:
                local = dt.datetime.combine(day, time)
                if begin <= local < finish:
                    at = (local - offset).replace(tzinfo=dt.UTC)
                    yield Occurrence(at, dt.datetime.combine(dt.date.fromordinal(named), time))


def scheduled(
    timing: Timing,
    after: dt.datetime,
    business: BusinessCalendar | None = None,
    *,
    until: dt.datetime | None = None,
    not_before: dt.datetime | None = None,
) -> Iterator[Occurrence]:
    """Yield what `occurrences` gives, each with the local time that the timing names."""
    business = business or _NORMAL
    after = max(after, not_before - _MOMENT) if not_before else after
    if isinstance(timing, Immediate):
        return
    if isinstance(timing, Once):
        yield from _once(timing, after, until)
    else:
        yield from _recurring(timing, after, business, until)


def _once(timing: Once, after: dt.datetime, until: dt.datetime | None) -> Iterator[Occurrence]:
    at = instant(timing.at, timing.zone)
    day = at.astimezone(timing.zone).date()
    outside = (timing.starts_on and day < timing.starts_on) or (timing.ends_on and day > timing.ends_on)
    if at > after and not outside and not (until and at > until):
        yield Occurrence(at, timing.at)


def _recurring(
    timing: Recurring, after: dt.datetime, business: BusinessCalendar, until: dt.datetime | None
) -> Iterator[Occurrence]:
    repeating = repeats(timing)
    if timing.starts_on:
        after = max(after, instant(dt.datetime.combine(timing.starts_on, dt.time.min), timing.zone) - _MOMENT)
    end = until or after + _HORIZON
    if timing.ends_on:
        # A fold at midnight shows the last hour of the day once more, which is for a repeating timing.
        slack = 2 if repeating else 1
        midnight = dt.datetime.combine(timing.ends_on + slack * _DAY, dt.time.min)
        end = min(end, instant(midnight, timing.zone) - _MOMENT)
    if end <= after:
        return
    if repeating:
        found = _repeating(timing, business, after, end)
    else:
        days = after.astimezone(timing.zone).toordinal(), end.astimezone(timing.zone).toordinal()
        found = _fixed(timing, days, business, after)
    for occurrence in found:
        if occurrence.at > end:
            return
        if occurrence.at > after:
            yield occurrence


def occurrences(
    timing: Timing,
    after: dt.datetime,
    business: BusinessCalendar | None = None,
    *,
    until: dt.datetime | None = None,
    not_before: dt.datetime | None = None,
) -> Iterator[dt.datetime]:
    """Yield the instants at which `timing` is due, strictly after `after`, in order, as aware UTC datetimes.

    Args:
        business: the schedule's calendar; Monday to Friday without one.
        until: the last instant that is looked at, itself included; without one, nine years after the start.
        not_before: when the schedule came to be; nothing is due before it.
    """
    return (found.at for found in scheduled(timing, after, business, until=until, not_before=not_before))


def is_due(timing: Timing, moment: dt.datetime, business: BusinessCalendar | None = None) -> bool:
    """Tell whether `moment` is one of the timing's instants."""
    return next(occurrences(timing, moment - _MOMENT, business, until=moment), None) is not None


class Closest(NamedTuple):
    """Two neighbouring occurrences, and whether a change of the clocks lies between them or moved one."""

    earlier: dt.datetime
    later: dt.datetime
    by_clocks: bool

    @property
    def interval(self) -> dt.timedelta:
        """Return the time between them."""
        return self.later - self.earlier


def closest(timing: Timing, after: dt.datetime, business: BusinessCalendar | None = None) -> Closest | None:
    """Return the two neighbours with the least time between them, or None for fewer than two occurrences.

    Looked at are the next 60, all of the first two days, and what surrounds each change of the clocks within three
    years: only a pair with the change between them can be closer than the others.
    """
    if isinstance(timing, Immediate | Once):
        return None
    ahead = pairwise(islice(occurrences(timing, after, business), 60))
    found = [Closest(a, b, by_clocks=False) for a, b in ahead]
    if not found:
        return None
    walls = times(timing)
    around = (b - a for a, b in pairwise([*walls, walls[0] + 24 * 60]))
    if len(walls) > 1 and min(around) * 60 < min(pair.interval for pair in found).total_seconds():
        first = found[0].earlier
        whole = pairwise(occurrences(timing, first - _MOMENT, business, until=first + 2 * _DAY))
        found += [Closest(a, b, by_clocks=False) for a, b in whole]
    reach = min(*(pair.interval for pair in found), _DAY) + _MOMENT
    for year in range(after.year, after.year + 3):
        for change in transitions(timing.timezone, year):
            near = pairwise(occurrences(timing, max(after, change.at - reach), business, until=change.at + reach))
            found += [Closest(a, b, by_clocks=True) for a, b in near if a <= change.at <= b]
    return min(found, key=lambda pair: pair.interval)
