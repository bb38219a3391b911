"""The one calculator: which instants a timing means. Preview, gate, claim and sync all ask it.

Day rules are worked out by date and turned into instants with `zoneinfo`; cron expressions are asked of Prefect's own
schedule, so that what we show is what its scheduler inserts.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from reports.timing.model import (
    WEEKDAYS,
    BusinessDay,
    Cron,
    Daily,
    Immediate,
    Monthly,
    NthWeekday,
    Once,
    Timing,
    Weekly,
)
from reports.timing.prefect_cron import cron_dates

_HORIZON = dt.timedelta(days=366 * 9)
"""How far a next occurrence is looked for: 29 February comes at most eight years after another."""


@dataclass(frozen=True)
class BusinessCalendar:
    """Which days are worked: `weekend` are weekdays (Monday 0) that are not, `holidays` are dates that are not."""

    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[dt.date] = frozenset()

    def is_business_day(self, day: dt.date) -> bool:
        """Whether people work on that day."""
        return day.weekday() not in self.weekend and day not in self.holidays

    def shifted(self, day: dt.date, step: int) -> dt.date | None:
        """The nearest business day in the direction of `step` (1 or -1), or None within 60 days."""
        for distance in range(60):
            candidate = day + dt.timedelta(days=distance * step)
            if self.is_business_day(candidate):
                return candidate
        return None


def instant(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The UTC instant of a local wall-clock time; see `model` for the rule at gaps and folds."""
    return local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)


def _matches(timing: Daily | Weekly | Monthly, day: dt.date, business: BusinessCalendar) -> bool:
    match timing:
        case Daily():
            return True
        case Weekly():
            return WEEKDAYS[day.weekday()] in timing.days
        case Monthly():
            return _matches_month(timing.day, day, business)


def _matches_month(rule: int | str | NthWeekday | BusinessDay, day: dt.date, business: BusinessCalendar) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    match rule:
        case int():
            return day.day == min(rule, last)
        case NthWeekday():
            if WEEKDAYS[day.weekday()] != rule.weekday:
                return False
            return day.day + 7 > last if rule.nth == -1 else (day.day - 1) // 7 + 1 == rule.nth
        case BusinessDay():
            if not business.is_business_day(day):
                return False
            first, final = (1, day.day) if rule.business_day > 0 else (day.day, last)
            worked = sum(business.is_business_day(day.replace(day=d)) for d in range(first, final + 1))
            return worked == abs(rule.business_day)
        case _:
            return day.day == last


def _fire_day(timing: Timing, day: dt.date, business: BusinessCalendar) -> dt.date | None:
    """The day on which an occurrence of `day` fires, by the holiday rule; None where it is dropped."""
    if timing.on_holiday == "run" or business.is_business_day(day):
        return day
    if timing.on_holiday == "skip":
        return None
    return business.shifted(day, 1 if timing.on_holiday == "next" else -1)


def _day_instants(
    timing: Daily | Weekly | Monthly, after: dt.datetime, business: BusinessCalendar
) -> Iterator[dt.datetime]:
    start = after.astimezone(timing.zone).date() - dt.timedelta(days=1)
    # A holiday rule can move an occurrence by up to 60 days; looking back as far finds those that move forward.
    reach = 0 if timing.on_holiday == "run" else 60
    seen: set[dt.date] = set()
    pending: list[dt.date] = []
    day, end = start - dt.timedelta(days=reach), (after + _HORIZON).date()
    while day <= end:
        if _matches(timing, day, business):
            fires = _fire_day(timing, day, business)
            if fires and fires >= start and fires not in seen:
                seen.add(fires)
                pending.append(fires)
        settled = day - dt.timedelta(days=reach)
        for ready in sorted(d for d in pending if d <= settled):
            pending.remove(ready)
            yield instant(dt.datetime.combine(ready, timing.at), timing.zone)
        day += dt.timedelta(days=1)


def _cron_instants(timing: Cron, after: dt.datetime, business: BusinessCalendar) -> Iterator[dt.datetime]:
    shifted: set[dt.datetime] = set()
    for moment in cron_dates(timing.expression, timing.timezone, after, after + _HORIZON):
        local = moment.astimezone(timing.zone)
        fires = _fire_day(timing, local.date(), business)
        if fires is None:
            continue
        result = moment
        if fires != local.date():
            result = instant(dt.datetime.combine(fires, local.time()), timing.zone)
        if result not in shifted:
            shifted.add(result)
            yield result


def occurrences(
    timing: Timing,
    after: dt.datetime,
    business: BusinessCalendar | None = None,
    *,
    not_before: dt.datetime | None = None,
) -> Iterator[dt.datetime]:
    """Instants at which `timing` is due, strictly after `after`, in order, as aware UTC datetimes.

    Args:
        business: the schedule's calendar; Monday to Friday without one.
        not_before: when the schedule came to be; nothing is due before it.
    """
    business = business or BusinessCalendar()
    after = max(after, not_before - dt.timedelta(microseconds=1)) if not_before else after
    match timing:
        case Immediate():
            return
        case Once():
            candidates = iter([instant(timing.at, timing.zone)])
        case Cron():
            candidates = _cron_instants(timing, after, business)
        case _:
            candidates = _day_instants(timing, after, business)
    for moment in candidates:
        local_day = moment.astimezone(timing.zone).date()
        if moment <= after or (timing.starts_on and local_day < timing.starts_on):
            continue
        if timing.ends_on and local_day > timing.ends_on:
            return
        yield moment


def is_due(timing: Timing, moment: dt.datetime, business: BusinessCalendar | None = None) -> bool:
    """Whether `moment` is one of the timing's instants."""
    return next(occurrences(timing, moment - dt.timedelta(microseconds=1), business), None) == moment


def shortest_interval(timing: Timing, after: dt.datetime, count: int = 60) -> dt.timedelta | None:
    """The least time between neighbours among the next `count` occurrences, or None for fewer than two."""
    moments: list[dt.datetime] = []
    for moment in occurrences(timing, after):
        moments.append(moment)
        if len(moments) == count:
            break
    return min((b - a for a, b in pairwise(moments)), default=None)
