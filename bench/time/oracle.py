"""The calculator against others who know the time: cronsim, and brute force by days and by minutes.

Nothing here is shared with `mailroom.timing` but the words of a timing: cron fields are read by cronsim, wall clocks
come from asking `zoneinfo` minute by minute, days from trying each.
"""

from __future__ import annotations

import calendar
import datetime as dt
import os
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import TypeAdapter, ValidationError

from bench.time.timings import HOLIDAYS, ZONES, cron_timing, timing_of_words
from mailroom.timing import BusinessCalendar, Timing, occurrences

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
OFFICE = BusinessCalendar(holidays=dict.fromkeys(HOLIDAYS, "holiday"))
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
Words = dict[str, Any]


def worked(day: dt.date) -> bool:
    """Tell whether the day is a business day."""
    return day.weekday() < 5 and day not in HOLIDAYS


def month_of(day: dt.date) -> list[dt.date]:
    """Every day of its month."""
    return [day.replace(day=n + 1) for n in range(calendar.monthrange(day.year, day.month)[1])]


def _rule_names(rule: Any, day: dt.date) -> bool:
    days = month_of(day)
    if rule == "last":
        return day == days[-1]
    if isinstance(rule, int):
        return bool(day == days[min(rule, len(days)) - 1])
    if "nth" in rule:
        same = [other for other in days if DAYS[other.weekday()] == rule["weekday"]]
    else:
        same = [other for other in days if worked(other)]
    number = rule.get("nth") or rule["business_day"]
    index = number - 1 if number > 0 else len(same) + number
    return 0 <= index < len(same) and bool(same[index] == day)


@lru_cache(maxsize=4096)
def _cronsim(expression: str) -> CronSim:
    """cronsim's reading of an expression; it writes the last Friday 5L where Prefect writes L5."""
    *fields, weekday = expression.replace("?", "*").split()
    if weekday.upper().startswith("L"):
        weekday = f"{weekday[1:]}L"
    return CronSim(" ".join([*fields, weekday]), dt.datetime(2000, 1, 1))  # noqa: DTZ001  a wall clock


def names(words: Words, day: dt.date) -> bool:
    """Tell whether the timing names that day, before holidays are considered."""
    match words["frequency"]:
        case "daily":
            return True
        case "weekly" | "hourly":
            return DAYS[day.weekday()] in (words.get("days") or DAYS)
        case "monthly":
            return _rule_names(words["day"], day)
        case "quarterly":
            return (day.month - 1) % 3 + 1 == words["month_of_quarter"] and _rule_names(words["day"], day)
        case "yearly":
            return day.month == words["month"] and _rule_names(words["day"], day)
        case _:
            sim = _cronsim(words["expression"])
            return day.month in sim.months and bool(sim.match_day(day))


def fire_days(words: Words, first: dt.date, last: dt.date) -> set[dt.date]:
    """The days on which it fires, by the holiday rule, each found by trying."""
    rule, reach = words.get("on_holiday", "run"), 0 if words.get("on_holiday", "run") in ("run", "skip") else 30
    found = set()
    day = first - reach * DAY
    while day <= last + reach * DAY:
        if names(words, day):
            fires = day
            while rule in ("next", "previous") and not worked(fires):
                fires += DAY if rule == "next" else -DAY
            if first <= fires <= last and (rule != "skip" or worked(fires)):
                found.add(fires)
        day += DAY
    return found


def shows(words: Words, minute: int) -> bool:
    """Tell whether this many minutes since midnight are a time of the timing."""
    if words["frequency"] == "cron":
        sim = _cronsim(words["expression"])
        return minute % 60 in sim.minutes and minute // 60 in sim.hours
    if words["frequency"] == "hourly":
        begin, until = (int(words[key][:2]) * 60 + int(words[key][3:]) for key in ("from", "until"))
        return begin <= minute <= until and (minute - begin) % (words["every"] * 60) == 0
    return minute == int(words["at"][:2]) * 60 + int(words["at"][3:])


def repeats(words: Words) -> bool:
    """Tell whether this is a repeating timing; see docs/timing.md."""
    fields = words.get("expression", "").split()
    return words["frequency"] == "hourly" or any(field.startswith("*") for field in fields[:2])


@lru_cache(maxsize=8)
def wall_clock(zone: str, start: dt.datetime, until: dt.datetime) -> list[tuple[dt.datetime, dt.date, int]]:
    """Each minute after `start` up to `until`: the instant, and what a wall clock shows."""
    tz, shown = ZoneInfo(zone), []
    moment = start.replace(second=0, microsecond=0)
    while moment <= until:
        if moment > start:
            local = moment.astimezone(tz)
            shown.append((moment, local.date(), local.hour * 60 + local.minute))
        moment += MINUTE
    return shown


def _real(local: dt.datetime, tz: ZoneInfo) -> dt.datetime:
    """A fixed time's instant: minute by minute until the wall clock shows it."""
    while local.replace(tzinfo=tz).astimezone(dt.UTC).astimezone(tz).replace(tzinfo=None) != local:
        local += MINUTE
    return local.replace(tzinfo=tz).astimezone(dt.UTC)


def _within(words: Words, day: dt.date) -> bool:
    return bool(words.get("starts_on", "0") <= day.isoformat() <= words.get("ends_on", "9"))


def brute(words: Words, start: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    """Every instant after `start` up to `until`."""
    zone = words["timezone"]
    tz = ZoneInfo(zone)
    first, last = start.astimezone(tz).date() - 2 * DAY, until.astimezone(tz).date() + DAY
    days = fire_days(words, first, last)
    clock = [minute for minute in range(1440) if shows(words, minute)]
    if repeats(words):
        wanted = set(clock)
        return [
            moment
            for moment, day, minute in wall_clock(zone, start, until)
            if minute in wanted and day in days and _within(words, day)
        ]
    midnight = dt.time.min
    walls = (dt.datetime.combine(day, midnight) + minute * MINUTE for day in days for minute in clock)
    found = {_real(wall, tz) for wall in walls}
    return sorted(m for m in found if start < m <= until and _within(words, m.astimezone(tz).date()))


def by_cronsim(words: Words, start: dt.datetime, count: int, until: dt.datetime) -> list[dt.datetime]:
    """The next instants of a fixed cron expression, from cronsim itself."""
    *fields, weekday = words["expression"].replace("?", "*").split()
    weekday = f"{weekday[1:]}L" if weekday.upper().startswith("L") else weekday
    found: list[dt.datetime] = []
    for local in CronSim(" ".join([*fields, weekday]), start.astimezone(ZoneInfo(words["timezone"]))):
        moment = local.astimezone(dt.UTC)
        if moment > until or len(found) == count:
            break
        if moment > start:  # It goes by the wall clock, so from the second hour of a fold it begins in the first.
            found.append(moment)
    return found


def near_changes(pick: random.Random, zone: str) -> dt.datetime:
    """A start within three days of a change of the zone's clocks, or anywhere where it has none."""
    tz, start = ZoneInfo(zone), dt.datetime(pick.randint(2000, 2034), 1, 1, tzinfo=dt.UTC)
    offsets = [(start + n * DAY).astimezone(tz).utcoffset() for n in range(366)]
    changes = [n for n in range(365) if offsets[n] != offsets[n + 1]]
    day = pick.choice(changes) if changes and pick.random() < 0.7 else pick.randrange(366)
    return start + day * DAY + pick.randrange(-3 * 1440, 1440) * MINUTE + pick.randrange(60) * dt.timedelta(seconds=1)


def _never(words: Words) -> bool:
    """Tell whether cronsim says that the day never comes, such as 30 February."""
    try:
        if words["frequency"] == "cron":
            _cronsim(words["expression"])
    except CronSimError:
        return True
    return False


def compare(words: Words, start: dt.datetime) -> tuple[list[dt.datetime], list[dt.datetime]] | None:
    """Return the expected due times and those of the calculator; None for a timing that cannot be saved."""
    try:
        timing = TIMING.validate_python(words)
    except ValidationError:
        return None
    if _never(words):
        return [], list(islice(occurrences(timing, start), 6))
    if words["frequency"] == "cron" and not repeats(words) and set(words) == {"frequency", "timezone", "expression"}:
        until = start + 8 * 365 * DAY
        expected = by_cronsim(words, start, 6, until)
        return expected, list(islice(occurrences(timing, start, until=until), 6))
    until = start + (dt.timedelta(hours=30) if repeats(words) else 90 * DAY)
    return brute(words, start, until), list(occurrences(timing, start, OFFICE, until=until))


def cases(count: int, seed: int) -> Iterator[tuple[Words, dt.datetime]]:
    """Random timings with their starts; twelve share a zone and a start, whose wall clock is then asked once."""
    pick = random.Random(seed)
    makers: list[Callable[[random.Random], Words]] = [cron_timing, timing_of_words]
    for number in range(count):
        if number % 12 == 0:
            zone = pick.choice(ZONES)
            start = near_changes(pick, zone)
        yield {**pick.choice(makers)(pick), "timezone": zone}, start


def oracle(count: int = 0, seed: int = 1) -> dict[str, int]:
    """Return how many cases were compared and how many differ; print the first differences."""
    wanted = count or int(os.environ.get("CASES", "110000"))
    compared = different = refused = 0
    for words, start in cases(wanted * 2, seed):
        result = compare(words, start)
        if result is None:
            refused += 1
            continue
        compared += 1
        if result[0] != result[1]:
            different += 1
            if different <= 5:
                odd = sorted(set(result[0]) ^ set(result[1]))[:4]
                print(f"  differs: {words} from {start}: {[str(moment) for moment in odd]}")
        if compared == wanted:
            break
    print(f"  {refused} random timings were refused, as saving would")
    return {"cases": compared, "differences": different}
