"""What is told of a timing before it is saved: due times in words, what moved them, and refusals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pydantic import TypeAdapter

from mailroom.schedules.forecast import forecast, jitter_faults, timing_faults
from mailroom.timing import BusinessCalendar, Timing
from mailroom.timing.words import sentence, span_words

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
NOW = dt.datetime(2026, 10, 23, 12, tzinfo=dt.UTC)
BERLIN = {"timezone": "Europe/Berlin"}
OFFICE = BusinessCalendar(holidays={dt.date(2026, 12, 25): "Christmas Day"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"frequency": "immediate"}, "At once"),
        ({"frequency": "once", "at": "2026-12-24T09:00"}, "Once, on Thursday 24 December 2026 at 09:00 (UTC)"),
        ({"frequency": "daily", "at": "09:00", "ends_on": "2026-12-31"},
         "Every day at 09:00 (UTC), until Thursday 31 December 2026"),
        ({"frequency": "weekly", "days": ["mon"], "at": "09:00", **BERLIN}, "Every Monday at 09:00 (Europe/Berlin)"),
        ({"frequency": "weekly", "days": ["fri", "mon", "wed"], "at": "09:00"},
         "Every Monday, Wednesday and Friday at 09:00 (UTC)"),
        ({"frequency": "hourly", "every": 2, "from": "08:15", "until": "18:00", "days": ["sat"]},
         "Every 2 hours from 08:15 to 16:15, on Saturday (UTC)"),
        ({"frequency": "monthly", "day": 31, "at": "09:00"}, "On day 31 (or the last) of every month at 09:00 (UTC)"),
        ({"frequency": "monthly", "day": {"business_day": -1}, "at": "09:00", "calendar": "c", "on_holiday": "skip"},
         "On the last business day of every month at 09:00 (UTC), not on holidays"),
        ({"frequency": "monthly", "day": {"business_day": -3}, "at": "09:00"},
         "On the third to last business day of every month at 09:00 (UTC)"),
        ({"frequency": "quarterly", "month_of_quarter": 2, "day": {"nth": -1, "weekday": "fri"}, "at": "09:00"},
         "On the last Friday of the second month of every quarter at 09:00 (UTC)"),
        ({"frequency": "yearly", "month": 11, "day": {"business_day": 6}, "at": "09:00"},
         "On the 6th business day of November every year at 09:00 (UTC)"),
        ({"frequency": "cron", "expression": "*/30 8-18 * * 1-5"},
         "Every 30 minutes, between 08:00 and 18:59, Monday through Friday (UTC)"),
        ({"frequency": "cron", "expression": "0 9 * * L5"}, "At 09:00, on the last Friday of the month (UTC)"),
        ({"frequency": "cron", "expression": "0 7,*/6 * * *"}, "By cron 0 7,*/6 * * * (UTC)"),
        ({"frequency": "cron", "expression": "0 9 1,L * *"}, "By cron 0 9 1,L * * (UTC)"),
        ({"frequency": "cron", "expression": "0 9 * * mon#1,wed#3"}, "By cron 0 9 * * mon#1,wed#3 (UTC)"),
    ],
)  # fmt: skip
def test_a_timing_in_a_sentence(data: dict[str, Any], words: str) -> None:
    assert sentence(TIMING.validate_python(data)) == words


def test_due_times_show_the_change_of_the_clocks_once() -> None:
    found = forecast(TIMING.validate_python({"frequency": "daily", "at": "02:30", **BERLIN}), OFFICE, now=NOW, count=4)
    assert [(one.words, one.offset_change) for one in found.due] == [
        ("Saturday 24 October 2026, 02:30 CEST", None),
        ("Sunday 25 October 2026, 02:30 CEST", None),
        ("Monday 26 October 2026, 02:30 CET", "+02:00 -> +01:00"),
        ("Tuesday 27 October 2026, 02:30 CET", None),
    ]
    assert found.warnings == []


def test_a_zone_without_letters_is_told_by_its_offset() -> None:
    data = {"frequency": "daily", "at": "09:00", "timezone": "Asia/Kathmandu"}
    found = forecast(TIMING.validate_python(data), OFFICE, now=NOW, count=1)
    assert found.due[0].words == "Saturday 24 October 2026, 09:00 UTC+05:45"


def test_a_gap_moves_and_warns() -> None:
    timing = TIMING.validate_python({"frequency": "daily", "at": "02:30", **BERLIN})
    found = forecast(timing, OFFICE, now=dt.datetime(2027, 3, 28, tzinfo=dt.UTC), count=1)
    assert found.due[0].moved_from is not None
    assert found.due[0].moved_from.reason == "clock_change"
    assert found.due[0].moved_from.local == dt.datetime(2027, 3, 28, 2, 30)
    assert [(w.code, w.data) for w in found.warnings] == [("clock_change", {"at": "2027-03-28T01:00:00+00:00"})]
    assert "due at 03:00 instead" in found.warnings[0].message


@pytest.mark.parametrize(
    ("day", "expected", "why"),
    [
        ("fri", "Monday 28 December 2026, 09:00 CET", "Friday 25 December 2026 is Christmas Day"),
        ("sat", "Monday 28 December 2026, 09:00 CET", "Saturday 26 December 2026 is not a business day"),
    ],
)
def test_a_holiday_moves_and_is_named(day: str, expected: str, why: str) -> None:
    data = {"frequency": "weekly", "days": [day], "at": "09:00", "calendar": "office", "on_holiday": "next", **BERLIN}
    start = dt.datetime(2026, 12, 24, 12, tzinfo=dt.UTC)
    first = forecast(TIMING.validate_python(data), OFFICE, now=start, count=1).due[0]
    assert first.words == expected
    assert first.moved_from is not None
    assert (first.moved_from.reason, first.moved_from.why) == ("holiday", why)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"frequency": "cron", "expression": "0 9 30 2 *"}, "no due time"),
        ({"frequency": "cron", "expression": "0 9 31 4,6 *"}, "no due time"),
        ({"frequency": "once", "at": "2026-10-23T12:00"}, "no due time"),
        ({"frequency": "daily", "at": "09:00", "ends_on": "2026-10-23"}, "no due time"),
        ({"frequency": "cron", "expression": "*/7 * * * *"},
         "again 4 minutes later at 13:00; at least 1 hour"),
        ({"frequency": "cron", "expression": "30 2,3 * * *", **BERLIN},
         "Sunday 28 March 2027, 03:00 CEST and again 30 minutes later at 03:30 because the clocks change"),
        ({"frequency": "cron", "expression": "0,59 9 1 1 *"}, "again 59 minutes later"),
    ],
)  # fmt: skip
def test_security_43_what_never_fires_or_fires_too_often_is_refused_in_words(data: dict[str, Any], words: str) -> None:
    (fault,) = timing_faults(TIMING.validate_python(data), OFFICE, now=NOW, least=dt.timedelta(hours=1))
    assert words in fault.message
    assert fault.remedy


@pytest.mark.parametrize(
    "data",
    [
        {"frequency": "immediate"},
        {"frequency": "hourly", **BERLIN},
        {"frequency": "cron", "expression": "0 * * * *", "timezone": "America/New_York"},
        {"frequency": "cron", "expression": "0 9 29 2 *"},
        {"frequency": "hourly", "timezone": "Australia/Lord_Howe"},
    ],
)
def test_what_an_hour_allows(data: dict[str, Any]) -> None:
    assert timing_faults(TIMING.validate_python(data), OFFICE, now=NOW, least=dt.timedelta(hours=1)) == []


def test_spans_in_words() -> None:
    assert span_words(dt.timedelta(days=1, hours=2, seconds=1)) == "1 day 2 hours 1 second"
    assert span_words(dt.timedelta()) == "0 seconds"


DAILY, HOURLY = {"frequency": "daily", "at": "09:00"}, {"frequency": "cron", "expression": "0 * * * *"}


def test_a_jitter_is_told_and_moves_no_due_time() -> None:
    timing = TIMING.validate_python(DAILY)
    plain = forecast(timing, BusinessCalendar(), now=NOW, count=3)
    told = forecast(timing, BusinessCalendar(), now=NOW, count=3, jitter=dt.timedelta(minutes=10))
    assert told.due == plain.due
    assert plain.warnings == []
    (warning,) = told.warnings
    assert (warning.code, warning.data) == ("jitter", {"up_to_seconds": 600})
    assert "up to 10 minutes after its due time" in warning.message


@pytest.mark.parametrize(
    ("data", "minutes", "refused"),
    [(HOURLY, 59, False), (HOURLY, 60, True), (DAILY, 60, False), ({"frequency": "immediate"}, 60, False)],
)
def test_a_jitter_ends_before_the_next_is_due(data: dict[str, Any], minutes: int, *, refused: bool) -> None:
    jitter = dt.timedelta(minutes=minutes)
    faults = jitter_faults(jitter, TIMING.validate_python(data), BusinessCalendar(), now=NOW)
    assert [fault.field for fault in faults] == (["policy.jitter"] if refused else [])
