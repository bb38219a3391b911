"""The first due time that a change of a calendar moves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from mailroom.schedules.calendar_effect.difference import first_difference
from mailroom.timing import TIMING, BusinessCalendar
from mailroom.timing.model import Timing

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WORKED = BusinessCalendar()
CHRISTMAS = BusinessCalendar(holidays={date(2026, 12, 25): "Christmas Day"})
NO_FRIDAYS = BusinessCalendar(weekend=frozenset({4, 5, 6}))


def timing(**given: Any) -> Timing:
    base = {"frequency": "daily", "at": "09:00", "timezone": "UTC", "calendar": "office"}
    return TIMING.validate_python({**base, **given})


def at(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"on_holiday": "run"}, None),
        ({"on_holiday": "skip"}, (at(12, 25), None)),
        # On the next working day there is a run anyway.
        ({"on_holiday": "next"}, (at(12, 25), None)),
        ({"frequency": "weekly", "days": ["fri"], "on_holiday": "next"}, (at(12, 25), at(12, 28))),
        ({"frequency": "weekly", "days": ["fri"], "on_holiday": "previous"}, (at(12, 25), at(12, 24))),
        ({"frequency": "weekly", "days": ["mon"], "on_holiday": "skip"}, None),
        ({"frequency": "monthly", "day": {"business_day": -1}}, None),
    ],
)
def test_a_new_holiday(given: dict[str, Any], expected: tuple[datetime | None, datetime | None] | None) -> None:
    assert first_difference(timing(**given), WORKED, CHRISTMAS, now=NOW) == expected


def test_a_holiday_that_is_taken_away_brings_a_run_back() -> None:
    assert first_difference(timing(on_holiday="skip"), CHRISTMAS, WORKED, now=NOW) == (None, at(12, 25))


def test_changes_far_apart_are_not_taken_for_one_move() -> None:
    easter = BusinessCalendar(holidays={date(2027, 3, 26): "Good Friday"})
    weekly = timing(frequency="weekly", days=["fri"], on_holiday="skip")
    assert first_difference(weekly, CHRISTMAS, easter, now=NOW) == (None, at(12, 25))


def test_many_due_times_are_compared_as_far_as_both_lists_go() -> None:
    hourly = TIMING.validate_python(
        {"frequency": "cron", "expression": "0 * * * *", "timezone": "UTC", "calendar": "c", "on_holiday": "skip"}
    )
    # By the second calendar, 400 due times lie further ahead; that alone is no difference.
    found = first_difference(hourly, WORKED, BusinessCalendar(holidays={date(2027, 9, 1): "Far"}), now=NOW)
    assert found is None
    assert first_difference(hourly, WORKED, NO_FRIDAYS, now=NOW) == (datetime(2026, 11, 27, 0, tzinfo=UTC), None)
