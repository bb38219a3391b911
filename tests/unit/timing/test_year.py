"""A year of each kind of timing in zones of every sort, against brute force by days and by minutes."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any, get_args

import pytest

from bench.time.oracle import OFFICE, TIMING, brute, compare, oracle, repeats, wall_clock
from mailroom.timing import Timing, is_due, occurrences

# New York, Berlin; half an hour; a summer time that came back; quarters of an hour; a day that was left out.
YEARS = [
    ("America/New_York", 2026),
    ("Europe/Berlin", 2027),
    ("Australia/Lord_Howe", 2026),
    ("Africa/Cairo", 2026),
    ("Asia/Kathmandu", 2026),
    ("Pacific/Apia", 2011),
]
KINDS: list[dict[str, Any]] = [
    {"frequency": "hourly", "every": 1, "from": "00:00", "until": "23:59"},
    {"frequency": "hourly", "every": 3, "from": "00:30", "until": "18:00", "days": ["fri", "sun"]},
    {"frequency": "daily", "at": "02:30"},
    {"frequency": "daily", "at": "23:30"},
    {"frequency": "daily", "at": "00:00", "calendar": "office", "on_holiday": "next"},
    {"frequency": "weekly", "days": ["fri", "sun"], "at": "01:45", "calendar": "office", "on_holiday": "previous"},
    {"frequency": "monthly", "day": 31, "at": "09:00"},
    {"frequency": "monthly", "day": {"nth": -1, "weekday": "sun"}, "at": "02:15"},
    {"frequency": "monthly", "day": {"business_day": -1}, "at": "09:00", "calendar": "office", "on_holiday": "skip"},
    {"frequency": "quarterly", "month_of_quarter": 1, "day": {"business_day": 3}, "at": "09:00"},
    {"frequency": "yearly", "month": 12, "day": 30, "at": "09:00"},
    {"frequency": "cron", "expression": "*/20 1-3 * * fri-7"},
    {"frequency": "cron", "expression": "0,30 0-3 * * *"},
]


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_a_year_of_each_kind(zone: str, year: int) -> None:
    start, until = dt.datetime(year, 1, 1, tzinfo=dt.UTC), dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC)
    for kind in KINDS:
        words = {**kind, "timezone": zone}
        expected = brute(words, start, until)
        assert expected
        assert list(occurrences(TIMING.validate_python(words), start, OFFICE, until=until)) == expected


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_once_on_each_day_of_a_year(zone: str, year: int) -> None:
    """At the first instant at which the wall clock shows that time; where it shows none, the next that it shows."""
    start, until = dt.datetime(year, 1, 1, tzinfo=dt.UTC), dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC)
    shown: dict[dt.date, list[tuple[int, dt.datetime]]] = {}
    for moment, day, minute in wall_clock(zone, start, until):
        shown.setdefault(day, []).append((minute, moment))
    for day in (dt.date(year, 1, 2) + dt.timedelta(days=n) for n in range(363)):
        for at in ("00:00", "01:45", "02:15", "23:30"):
            wanted = int(at[:2]) * 60 + int(at[3:])
            following = next(minutes[0][1] for after, minutes in shown.items() if after > day)
            words = {"frequency": "once", "at": f"{day}T{at}", "timezone": zone}
            expected = next((moment for minute, moment in shown.get(day, []) if minute >= wanted), following)
            assert list(occurrences(TIMING.validate_python(words), start, OFFICE)) == [expected], words


def test_no_kind_is_left_out() -> None:
    """`immediate` is due when it is saved, by no calendar."""
    kinds = {model.model_fields["frequency"].annotation.__args__[0] for model in get_args(get_args(Timing)[0])}
    assert kinds == {kind["frequency"] for kind in KINDS} | {"once", "immediate"}


def test_no_hour_of_a_year_is_lost() -> None:
    for zone, year in YEARS:
        timing = TIMING.validate_python({"frequency": "hourly", "timezone": zone})
        found = list(
            occurrences(
                timing, dt.datetime(year, 1, 1, tzinfo=dt.UTC), until=dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC)
            )
        )
        assert max(b - a for a, b in pairwise(found)) <= dt.timedelta(minutes=90)


def test_random_timings_differ_in_nothing() -> None:
    assert oracle(600, seed=20261124) == {"cases": 600, "differences": 0}


def test_the_oracle_sees_a_difference() -> None:
    words = {"frequency": "daily", "at": "02:30", "timezone": "Europe/Berlin"}
    start = dt.datetime(2027, 3, 28, tzinfo=dt.UTC)
    result = compare(words, start)
    assert result is not None
    assert result[0][0] == dt.datetime(2027, 3, 28, 1, tzinfo=dt.UTC)
    assert not repeats(words)
    assert not is_due(TIMING.validate_python(words), dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC))
