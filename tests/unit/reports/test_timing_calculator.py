"""The calculator, by cases worked out by hand and against Prefect's own schedule."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from deployments.desired import cron_of
from reports.timing import BusinessCalendar, Timing, is_due, occurrences
from reports.timing.calculator import shortest_interval
from reports.timing.prefect_cron import cron_dates

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
UTC = dt.UTC


def next_local(
    data: dict[str, Any], after: dt.datetime, count: int, business: BusinessCalendar | None = None
) -> list[str]:
    timing = TIMING.validate_python(data)
    return [f"{m.astimezone(timing.zone):%Y-%m-%d %H:%M}" for m in islice(occurrences(timing, after, business), count)]


@pytest.mark.parametrize(
    ("data", "after", "expected"),
    [
        ({"frequency": "daily", "at": "02:30", "timezone": "Europe/Berlin"}, (2026, 3, 27),
         ["2026-03-27 02:30", "2026-03-28 02:30", "2026-03-29 03:30", "2026-03-30 02:30"]),
        ({"frequency": "weekly", "days": ["fri", "mon"], "at": "09:00"}, (2026, 11, 23, 9),
         ["2026-11-27 09:00", "2026-11-30 09:00", "2026-12-04 09:00"]),
        ({"frequency": "monthly", "day": 31, "at": "09:00"}, (2027, 1, 31, 9),
         ["2027-02-28 09:00", "2027-03-31 09:00", "2027-04-30 09:00"]),
        ({"frequency": "monthly", "day": "last", "at": "09:00"}, (2028, 2, 1),
         ["2028-02-29 09:00", "2028-03-31 09:00"]),
        ({"frequency": "monthly", "day": {"nth": 2, "weekday": "tue"}, "at": "09:00"}, (2026, 11, 23),
         ["2026-12-08 09:00", "2027-01-12 09:00"]),
        ({"frequency": "monthly", "day": {"nth": -1, "weekday": "fri"}, "at": "09:00"}, (2026, 11, 23),
         ["2026-11-27 09:00", "2026-12-25 09:00"]),
        ({"frequency": "monthly", "day": {"nth": 5, "weekday": "mon"}, "at": "09:00"}, (2026, 11, 1),
         ["2026-11-30 09:00", "2027-03-29 09:00"]),
        ({"frequency": "monthly", "day": {"business_day": 1}, "at": "09:00"}, (2026, 7, 15),
         ["2026-08-03 09:00", "2026-09-01 09:00"]),
        ({"frequency": "monthly", "day": {"business_day": -1}, "at": "09:00"}, (2026, 10, 1),
         ["2026-10-30 09:00", "2026-11-30 09:00"]),
        ({"frequency": "once", "at": "2026-12-24T09:00", "timezone": "Asia/Kathmandu"}, (2026, 11, 23),
         ["2026-12-24 09:00"]),
        ({"frequency": "once", "at": "2026-12-24T09:00"}, (2026, 12, 24, 9), []),
        ({"frequency": "immediate"}, (2026, 11, 23), []),
        ({"frequency": "cron", "expression": "0 9 * * fri#2"}, (2026, 11, 23),
         ["2026-12-11 09:00", "2027-01-08 09:00"]),
        ({"frequency": "cron", "expression": "0 0 30 2 *"}, (2026, 11, 23), []),
    ],
)  # fmt: skip
def test_cases_worked_out_by_hand(data: dict[str, Any], after: tuple[int, ...], expected: list[str]) -> None:
    start = dt.datetime(*after, tzinfo=UTC)  # type: ignore[misc, arg-type]  # a date and perhaps an hour
    assert next_local(data, start, len(expected) or 1) == expected


def test_a_time_that_occurs_twice_fires_the_first_time_only() -> None:
    timing = TIMING.validate_python({"frequency": "daily", "at": "02:30", "timezone": "Europe/Berlin"})
    found = list(islice(occurrences(timing, dt.datetime(2026, 10, 24, 12, tzinfo=UTC)), 2))
    assert found == [dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC), dt.datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


def test_start_and_end_bound_the_local_days() -> None:
    data = {
        "frequency": "daily",
        "at": "23:30",
        "timezone": "America/New_York",
        "starts_on": "2026-12-01",
        "ends_on": "2026-12-02",
    }
    assert next_local(data, dt.datetime(2026, 11, 23, tzinfo=UTC), 5) == ["2026-12-01 23:30", "2026-12-02 23:30"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("run", ["2026-12-24 09:00", "2026-12-25 09:00", "2026-12-26 09:00", "2026-12-27 09:00"]),
        ("skip", ["2026-12-24 09:00", "2026-12-28 09:00", "2026-12-29 09:00"]),
        ("next", ["2026-12-24 09:00", "2026-12-28 09:00", "2026-12-29 09:00"]),
        ("previous", ["2026-12-24 09:00", "2026-12-28 09:00", "2026-12-29 09:00"]),
    ],
)
def test_holidays(rule: str, expected: list[str]) -> None:
    business = BusinessCalendar(holidays=frozenset({dt.date(2026, 12, 25)}))
    data = {"frequency": "daily", "at": "09:00", "calendar": "office", "on_holiday": rule}
    assert next_local(data, dt.datetime(2026, 12, 24, tzinfo=UTC), len(expected), business) == expected


def test_a_weekly_day_on_a_holiday_moves_to_the_next_or_previous_business_day() -> None:
    business = BusinessCalendar(holidays=frozenset({dt.date(2026, 12, 25)}))
    data = {"frequency": "weekly", "days": ["fri"], "at": "09:00", "calendar": "office"}
    start = dt.datetime(2026, 12, 20, tzinfo=UTC)
    assert next_local({**data, "on_holiday": "next"}, start, 1, business) == ["2026-12-28 09:00"]
    assert next_local({**data, "on_holiday": "previous"}, start, 1, business) == ["2026-12-24 09:00"]


ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Kathmandu",
        "Pacific/Apia",
    ]
)
CLOCK = st.times().map(lambda t: f"{t:%H:%M}")
WEEKDAY = st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
TIMINGS = st.one_of(
    st.fixed_dictionaries({"frequency": st.just("daily"), "at": CLOCK, "timezone": ZONES}),
    st.fixed_dictionaries(
        {
            "frequency": st.just("weekly"),
            "at": CLOCK,
            "timezone": ZONES,
            "days": st.lists(WEEKDAY, min_size=1, max_size=7),
        }
    ),
    st.fixed_dictionaries(
        {
            "frequency": st.just("monthly"),
            "at": CLOCK,
            "timezone": ZONES,
            "day": st.one_of(
                st.integers(1, 31),
                st.just("last"),
                st.fixed_dictionaries({"nth": st.sampled_from([1, 2, 3, 4, 5, -1]), "weekday": WEEKDAY}),
                st.fixed_dictionaries({"business_day": st.sampled_from([1, 2, 5, -1, -3])}),
            ),
        }
    ),
)


@given(TIMINGS, st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(UTC)))
@settings(max_examples=150, deadline=None)
def test_the_deployments_cron_fires_on_every_occurrence(data: dict[str, Any], after: dt.datetime) -> None:
    timing = TIMING.validate_python(data)
    found = list(islice(occurrences(timing, after), 6))
    cron = cron_of(timing)
    assert cron is not None
    fires = set(cron_dates(cron, timing.timezone, after, found[-1]))
    assert set(found) <= fires
    assert all(is_due(timing, moment) == (moment in found) for moment in fires)


def test_a_cron_timing_is_prefects_own() -> None:
    timing = TIMING.validate_python({"frequency": "cron", "expression": "30 6 * * 1-5", "timezone": "America/New_York"})
    after = dt.datetime(2026, 3, 1, tzinfo=UTC)
    ours = list(islice(occurrences(timing, after), 30))
    assert ours == list(cron_dates("30 6 * * 1-5", "America/New_York", after, ours[-1]))


@pytest.mark.parametrize(
    ("expression", "seconds"), [("* * * * *", 60), ("*/5 9 * * *", 300), ("0 9 * * *", 86_400), ("0,10 9 1 * *", 600)]
)
def test_the_shortest_interval_is_found_in_irregular_cron(expression: str, seconds: int) -> None:
    timing = TIMING.validate_python({"frequency": "cron", "expression": expression})
    assert shortest_interval(timing, dt.datetime(2026, 11, 23, tzinfo=UTC)) == dt.timedelta(seconds=seconds)
