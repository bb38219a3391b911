"""The calculator, by cases worked out by hand."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Any

import pytest
from pydantic import TypeAdapter

from mailroom.timing import BusinessCalendar, Timing, closest, is_due, occurrences, scheduled

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
         ["2026-03-27 02:30", "2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"]),
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
        ({"frequency": "quarterly", "month_of_quarter": 2, "day": "last", "at": "09:00"}, (2026, 11, 23),
         ["2026-11-30 09:00", "2027-02-28 09:00", "2027-05-31 09:00", "2027-08-31 09:00", "2027-11-30 09:00"]),
        ({"frequency": "quarterly", "month_of_quarter": 1, "day": {"business_day": 1}, "at": "09:00"}, (2026, 11, 23),
         ["2027-01-01 09:00", "2027-04-01 09:00", "2027-07-01 09:00", "2027-10-01 09:00", "2028-01-03 09:00"]),
        ({"frequency": "yearly", "month": 2, "day": 29, "at": "09:00"}, (2026, 11, 23),
         ["2027-02-28 09:00", "2028-02-29 09:00", "2029-02-28 09:00"]),
        ({"frequency": "yearly", "month": 11, "day": {"nth": 4, "weekday": "thu"}, "at": "09:00"}, (2026, 11, 23),
         ["2026-11-26 09:00", "2027-11-25 09:00"]),
        ({"frequency": "hourly", "every": 4, "from": "08:15", "until": "16:15", "days": ["mon", "fri"]},
         (2026, 11, 23, 9), ["2026-11-23 12:15", "2026-11-23 16:15", "2026-11-27 08:15"]),
        ({"frequency": "hourly", "every": 5}, (2026, 11, 23, 11),
         ["2026-11-23 15:00", "2026-11-23 20:00", "2026-11-24 00:00"]),
        ({"frequency": "cron", "expression": "0 9 29 2 *"}, (2096, 3, 1), ["2104-02-29 09:00"]),
        ({"frequency": "cron", "expression": "0 9 13 * fri"}, (2026, 11, 10),
         ["2026-11-13 09:00", "2026-11-20 09:00", "2026-11-27 09:00", "2026-12-04 09:00", "2026-12-11 09:00",
          "2026-12-13 09:00"]),
        ({"frequency": "cron", "expression": "0 9 * * L0"}, (2026, 11, 10), ["2026-11-29 09:00", "2026-12-27 09:00"]),
        ({"frequency": "cron", "expression": "0 9 ? * 7"}, (2026, 11, 23), ["2026-11-29 09:00", "2026-12-06 09:00"]),
        ({"frequency": "cron", "expression": "0 9 1,L * *"}, (2027, 2, 2), ["2027-02-28 09:00", "2027-03-01 09:00"]),
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


def test_until_is_the_last_instant_that_counts() -> None:
    timing = TIMING.validate_python({"frequency": "daily", "at": "09:00"})
    start, until = dt.datetime(2026, 11, 23, 9, tzinfo=UTC), dt.datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert [f"{m:%d}" for m in occurrences(timing, start, until=until)] == ["24", "25"]
    assert [f"{m:%d}" for m in occurrences(timing, start, until=until - dt.timedelta(seconds=1))] == ["24"]


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
    business = BusinessCalendar(holidays={dt.date(2026, 12, 25): "Christmas Day"})
    data = {"frequency": "daily", "at": "09:00", "calendar": "office", "on_holiday": rule}
    assert next_local(data, dt.datetime(2026, 12, 24, tzinfo=UTC), len(expected), business) == expected


def test_a_weekly_day_on_a_holiday_moves_to_the_next_or_previous_business_day() -> None:
    business = BusinessCalendar(holidays={dt.date(2026, 12, 25): "Christmas Day"})
    data = {"frequency": "weekly", "days": ["fri"], "at": "09:00", "calendar": "office"}
    start = dt.datetime(2026, 12, 20, tzinfo=UTC)
    assert next_local({**data, "on_holiday": "next"}, start, 1, business) == ["2026-12-28 09:00"]
    assert next_local({**data, "on_holiday": "previous"}, start, 1, business) == ["2026-12-24 09:00"]


def utc(data: dict[str, Any], after: dt.datetime, until: dt.datetime) -> list[str]:
    return [f"{m:%d %H:%M}" for m in occurrences(TIMING.validate_python(data), after, until=until)]


BERLIN_FORWARD = dt.datetime(2027, 3, 28, tzinfo=UTC), dt.datetime(2027, 3, 28, 3, tzinfo=UTC)
BERLIN_BACK = dt.datetime(2026, 10, 24, 23, 59, tzinfo=UTC), dt.datetime(2026, 10, 25, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "window", "expected"),
    [
        ({"frequency": "hourly"}, BERLIN_FORWARD, ["28 01:00", "28 02:00", "28 03:00"]),
        ({"frequency": "hourly"}, BERLIN_BACK, ["25 00:00", "25 01:00", "25 02:00"]),
        ({"frequency": "hourly", "every": 2}, BERLIN_BACK, ["25 00:00", "25 01:00"]),
        ({"frequency": "hourly", "every": 2}, BERLIN_FORWARD, ["28 02:00"]),
        ({"frequency": "cron", "expression": "*/30 2 * * *"}, BERLIN_BACK,
         ["25 00:00", "25 00:30", "25 01:00", "25 01:30"]),
        ({"frequency": "cron", "expression": "*/30 2 * * *"}, BERLIN_FORWARD, []),
        ({"frequency": "cron", "expression": "0,30 2 * * *"}, BERLIN_BACK, ["25 00:00", "25 00:30"]),
        ({"frequency": "cron", "expression": "0,30 2,3 * * *"}, BERLIN_FORWARD, ["28 01:00", "28 01:30"]),
    ],
)  # fmt: skip
def test_security_44_the_clocks_change(
    data: dict[str, Any], window: tuple[dt.datetime, dt.datetime], expected: list[str]
) -> None:
    assert utc({**data, "timezone": "Europe/Berlin"}, *window) == expected


def test_security_44_a_fold_of_half_an_hour() -> None:
    window = dt.datetime(2026, 4, 4, 13, 59, tzinfo=UTC), dt.datetime(2026, 4, 4, 16, tzinfo=UTC)
    lord_howe = {"frequency": "hourly", "timezone": "Australia/Lord_Howe"}
    assert utc({**lord_howe, "from": "00:00"}, *window) == ["04 14:00", "04 15:30"]
    assert utc({**lord_howe, "from": "00:30"}, *window) == ["04 14:30", "04 15:00", "04 16:00"]


def test_a_day_that_a_zone_left_out_fires_at_its_end() -> None:
    timing = TIMING.validate_python({"frequency": "daily", "at": "09:00", "timezone": "Pacific/Apia"})
    found = scheduled(timing, dt.datetime(2011, 12, 29, tzinfo=UTC), until=dt.datetime(2012, 1, 1, tzinfo=UTC))
    assert [f"{o.at:%d %H:%M} for {o.named:%d %H:%M}" for o in found] == [
        "29 19:00 for 29 09:00",
        "30 10:00 for 30 09:00",
        "30 19:00 for 31 09:00",
        "31 19:00 for 01 09:00",
    ]


def test_an_occurrence_knows_which_time_it_stands_for() -> None:
    business = BusinessCalendar(holidays={dt.date(2026, 12, 25): "Christmas Day"})
    data = {"frequency": "daily", "at": "09:00", "calendar": "office", "on_holiday": "next"}
    found = islice(scheduled(TIMING.validate_python(data), dt.datetime(2026, 12, 25, tzinfo=UTC), business), 2)
    # Three days and the Monday itself meet on the Monday; it stands for itself.
    assert [o.named for o in found] == [dt.datetime(2026, 12, 28, 9), dt.datetime(2026, 12, 29, 9)]
    weekly = TIMING.validate_python({**data, "frequency": "weekly", "days": ["fri"]})
    moved = next(scheduled(weekly, dt.datetime(2026, 12, 24, tzinfo=UTC), business))
    assert (moved.at, moved.named) == (dt.datetime(2026, 12, 28, 9, tzinfo=UTC), dt.datetime(2026, 12, 25, 9))


def test_holidays_move_a_last_business_day_into_the_month_before() -> None:
    business = BusinessCalendar(
        holidays={dt.date(2026, 11, 30): "bridge"},
        working=frozenset({dt.date(2026, 11, 28)}),
        country=lambda year: {dt.date(year, 12, 25): "Christmas Day"},
    )
    data = {"frequency": "monthly", "day": {"business_day": -1}, "at": "09:00", "calendar": "office"}
    assert next_local(data, dt.datetime(2026, 11, 1, tzinfo=UTC), 1, business) == ["2026-11-28 09:00"]
    assert business.holiday(dt.date(2031, 12, 25)) == "Christmas Day"


def test_is_due_says_yes_to_its_instants_and_no_to_their_neighbours() -> None:
    timing = TIMING.validate_python({"frequency": "hourly", "timezone": "Europe/Berlin"})
    second_hour = dt.datetime(2026, 10, 25, 1, tzinfo=UTC)
    assert is_due(timing, second_hour)
    assert not is_due(timing, second_hour + dt.timedelta(minutes=1))
    assert not is_due(timing, second_hour - dt.timedelta(microseconds=1))


def test_a_start_far_away_is_found() -> None:
    assert next_local({"frequency": "daily", "at": "09:00", "starts_on": "2050-05-01"}, BERLIN_BACK[0], 1) == [
        "2050-05-01 09:00"
    ]


def test_a_long_window_is_not_cut_off() -> None:
    timing = TIMING.validate_python({"frequency": "yearly", "month": 1, "day": 1, "at": "09:00"})
    found = list(occurrences(timing, dt.datetime(2000, 1, 1, tzinfo=UTC), until=dt.datetime(2030, 1, 2, tzinfo=UTC)))
    assert len(found) == 31


@pytest.mark.parametrize(
    ("data", "minutes", "by_clocks"),
    [
        ({"frequency": "daily", "at": "09:00"}, 24 * 60, False),
        ({"frequency": "daily", "at": "02:30", "timezone": "Europe/Berlin"}, 23 * 60 + 30, True),
        ({"frequency": "hourly", "timezone": "Europe/Berlin"}, 60, False),
        ({"frequency": "hourly", "from": "00:30", "timezone": "Australia/Lord_Howe"}, 30, True),
        ({"frequency": "cron", "expression": "30 2,3 * * *", "timezone": "Europe/Berlin"}, 30, True),
        ({"frequency": "cron", "expression": "0 0,23 1,31 * *"}, 60, False),
    ],
)
def test_the_closest_pair_is_judged_over_the_clocks(data: dict[str, Any], minutes: int, by_clocks: bool) -> None:
    pair = closest(TIMING.validate_python(data), dt.datetime(2026, 11, 23, tzinfo=UTC))
    assert pair is not None
    assert (pair.interval, pair.by_clocks) == (dt.timedelta(minutes=minutes), by_clocks)


@pytest.mark.parametrize(
    ("expression", "seconds"), [("* * * * *", 60), ("*/5 9 * * *", 300), ("0 9 * * *", 86_400), ("0,10 9 1 * *", 600)]
)
def test_the_shortest_interval_is_found_in_irregular_cron(expression: str, seconds: int) -> None:
    timing = TIMING.validate_python({"frequency": "cron", "expression": expression})
    pair = closest(timing, dt.datetime(2026, 11, 23, tzinfo=UTC))
    assert pair is not None
    assert pair.interval == dt.timedelta(seconds=seconds)
