"""What a schedule's timing is stored as can be read again, and is what its user wrote."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from mailroom.timing import Timing

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)


@pytest.mark.parametrize(
    "written",
    [
        {"frequency": "daily", "at": "09:00", "timezone": "UTC"},
        {"frequency": "weekly", "days": ["mon"], "at": "00:05", "timezone": "Europe/Berlin"},
        {"frequency": "monthly", "day": "last", "at": "23:59", "timezone": "UTC"},
        {"frequency": "once", "at": "2026-12-24T09:00:00", "timezone": "UTC"},
        {"frequency": "hourly", "every": 2, "from": "08:00", "until": "18:00", "days": ["mon"], "timezone": "UTC"},
        {"frequency": "quarterly", "month_of_quarter": 2, "day": {"nth": -1, "weekday": "fri"}, "at": "09:00"},
        {"frequency": "yearly", "month": 2, "day": 29, "at": "09:00"},
        {"frequency": "cron", "expression": "5 4 * * *", "timezone": "UTC"},
    ],
)
def test_a_stored_timing_reads_as_it_was_written(written: dict[str, Any]) -> None:
    stored = TIMING.dump_python(TIMING.validate_python(written), mode="json")

    assert {key: stored[key] for key in written} == written
    assert TIMING.validate_python(stored) == TIMING.validate_python(written)
