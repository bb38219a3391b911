"""Relative dates, against facts of the calendar that are written down here and against properties that must hold."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.reports import dates
from prefect_mailroom.errors import ConfigurationError

# Wednesday.
DUE = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe", "Africa/Cairo"]
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("today", "2026-11-18"),
        ("yesterday", "2026-11-17"),
        ("tomorrow", "2026-11-19"),
        ("today-1d", "2026-11-17"),
        ("today+2w", "2026-12-02"),
        ("today-1m+1d", "2026-10-19"),
        ("start_of_week", "2026-11-16"),
        ("end_of_week", "2026-11-22"),
        ("start_of_last_week", "2026-11-09"),
        ("start_of_last_full_week", "2026-11-09"),
        ("end_of_last_full_week", "2026-11-15"),
        ("start_of_month", "2026-11-01"),
        ("end_of_month", "2026-11-30"),
        ("start_of_last_month", "2026-10-01"),
        ("end_of_last_month", "2026-10-31"),
        ("start_of_quarter", "2026-10-01"),
        ("end_of_quarter", "2026-12-31"),
        ("start_of_last_quarter", "2026-07-01"),
        ("end_of_last_quarter", "2026-09-30"),
        ("start_of_year", "2026-01-01"),
        ("end_of_last_year", "2025-12-31"),
        ("start_of_year-1y", "2025-01-01"),
        ("2013-07-01", "2013-07-01"),
    ],
)
def test_means_this_day(expression: str, expected: str) -> None:
    assert dates.resolve(expression, DUE, "UTC").isoformat() == expected


@pytest.mark.parametrize(
    ("day", "expression", "expected"),
    [
        (date(2026, 1, 31), "today+1m", date(2026, 2, 28)),
        (date(2024, 1, 31), "today+1m", date(2024, 2, 29)),
        (date(2024, 2, 29), "today+1y", date(2025, 2, 28)),
        (date(2026, 3, 31), "today-1m", date(2026, 2, 28)),
        (date(2026, 1, 15), "end_of_last_quarter", date(2025, 12, 31)),
        (date(2026, 1, 1), "start_of_last_month", date(2025, 12, 1)),
    ],
)
def test_month_ends(day: date, expression: str, expected: date) -> None:
    due = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert dates.resolve(expression, due, "UTC") == expected


def test_the_day_is_that_of_the_schedules_zone() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert dates.resolve("start_of_year", late, "UTC") == date(2026, 1, 1)
    assert dates.resolve("start_of_year", late, "Europe/Berlin") == date(2027, 1, 1)
    assert dates.resolve("yesterday", late, "America/New_York") == date(2026, 12, 30)


def test_weeks_may_start_on_sunday() -> None:
    assert dates.resolve("start_of_week", DUE, "UTC", week_starts="sunday") == date(2026, 11, 15)
    sunday = datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert dates.resolve("start_of_week", sunday, "UTC", week_starts="sunday") == date(2026, 11, 22)
    assert dates.resolve("end_of_last_full_week", sunday, "UTC", week_starts="monday") == date(2026, 11, 15)


def test_a_moment_is_the_start_of_the_day_even_where_clocks_skip_midnight() -> None:
    due = datetime(2024, 4, 26, 9, tzinfo=UTC)
    assert dates.resolve_moment("today", due, "Europe/Berlin").isoformat() == "2024-04-26T00:00:00+02:00"
    # On this day Cairo's clocks went from 00:00 to 01:00.
    assert dates.resolve_moment("today", due, "Africa/Cairo").isoformat() == "2024-04-26T01:00:00+03:00"


@pytest.mark.parametrize(
    "expression",
    ["", "Today", "today-1", "today - 1d", "now", "start_of_day", "today-1x", "start_of_last_full", "today\n",
     "today-١d", "2026-02-30", "2026-1-1", "20260101", "today+99999y", "today-99999y", "start_of_month-1d;drop",
     "today" * 100],
)  # fmt: skip
def test_everything_else_is_refused_with_what_is_allowed(expression: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        dates.resolve(expression, DUE, "UTC")
    assert caught.value.remedy


def test_a_due_time_without_zone_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="time zone"):
        dates.resolve("today", datetime(2026, 1, 1), "UTC")


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(dates.ANCHORS))
def test_every_anchor_has_a_day_near_the_due_time(due: datetime, zone: str, anchor: str) -> None:
    day = dates.resolve(anchor, due, zone)
    today = due.astimezone(ZoneInfo(zone)).date()
    assert abs((day - today).days) <= 731
    if "last_" in anchor:
        assert day < today


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(["week", "month", "quarter", "year"]))
def test_the_last_period_ends_where_this_one_starts(due: datetime, zone: str, period: str) -> None:
    start = dates.resolve(f"start_of_{period}", due, zone)
    end = dates.resolve(f"end_of_{period}", due, zone)
    assert start <= due.astimezone(ZoneInfo(zone)).date() <= end
    assert dates.resolve(f"end_of_last_full_{period}", due, zone) == start - timedelta(days=1)
    assert dates.resolve(f"start_of_last_{period}", due, zone) < start


@given(MOMENTS, st.integers(0, 500), st.sampled_from("dw"))
def test_days_and_weeks_can_be_taken_back(due: datetime, amount: int, unit: str) -> None:
    assert dates.resolve(f"today+{amount}{unit}-{amount}{unit}", due, "UTC") == due.date()


@given(MOMENTS, st.integers(0, 500))
def test_months_keep_the_day_or_take_the_last(due: datetime, amount: int) -> None:
    day = dates.resolve(f"today+{amount}m", due, "UTC")
    assert (day.year * 12 + day.month) - (due.year * 12 + due.month) == amount
    assert day.day == due.day or (day.day < due.day and (day + timedelta(days=1)).day == 1)


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    with suppress(ConfigurationError):  # Any other error is a failure.
        assert isinstance(dates.resolve(text, DUE, "UTC"), date)


@pytest.mark.parametrize(
    ("data_window", "parameters", "days"),
    [
        ("from..to", {"from": "2024-02-01", "to": "2024-02-29"}, (date(2024, 2, 1), date(2024, 2, 29))),
        ("from..to", {"from": "2024-02-01T08:00:00", "to": "soon"}, (date(2024, 2, 1), None)),
        ("from..to", {"from": None, "to": ""}, (None, None)),
        ("from", {"from": "2024-02-01"}, (None, None)),
        (None, {"from": "2024-02-01"}, (None, None)),
    ],
)
def test_the_days_of_a_data_window(
    data_window: str | None, parameters: dict[str, Any], days: tuple[date | None, date | None]
) -> None:
    assert dates.window_days(data_window, parameters) == days
