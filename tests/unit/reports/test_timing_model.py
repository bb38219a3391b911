"""What a timing refuses (SECURITY-TESTS 42–44), and what it takes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from reports.timing import Timing

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
CRON = {"frequency": "cron"}


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 9 * * *", "6 fields"),
        ("0 0 9 * * * 2027", "7 fields"),
        ("* * * *", "4 fields"),
        ("R R * * *", "R or H"),
        ("H 9 * * *", "R or H"),
        ("@reboot", "macros"),
        ("@daily", "macros"),
        ("٠ 9 * * *", "letters, digits"),
        ("0 9 * * *\n0 10 * * *", "letters, digits"),
        ("61 9 * * *", "not a cron expression"),
        ("0 9 32 * *", "not a cron expression"),
        ("", "letters, digits"),
    ],
)
def test_cron_expressions_that_are_refused(expression: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TIMING.validate_python({**CRON, "expression": expression})


@pytest.mark.parametrize("expression", ["0 9 * * mon-fri", "0 9 L * *", "30 8 * * fri#2", "*/30 8-18 * * 1-5"])
def test_cron_expressions_that_work(expression: str) -> None:
    assert TIMING.validate_python({**CRON, "expression": f" {expression}  "}).expression == expression  # type: ignore[union-attr]  # it is a Cron


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe/Berlin\n", "europe/berlin"])
def test_zones_that_are_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="IANA"):
        TIMING.validate_python({"frequency": "daily", "at": "09:00", "timezone": zone})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"frequency": "daily", "at": "24:00"}, "time of day"),
        ({"frequency": "daily", "at": "9:00"}, "time of day"),
        ({"frequency": "daily", "at": "09:00:30"}, "time of day"),
        ({"frequency": "daily"}, "at"),
        ({"frequency": "weekly", "at": "09:00", "days": []}, "days"),
        ({"frequency": "weekly", "at": "09:00", "days": ["moon"]}, "days"),
        ({"frequency": "monthly", "at": "09:00", "day": 32}, "day"),
        ({"frequency": "monthly", "at": "09:00", "day": {"business_day": 0}}, "count business days"),
        ({"frequency": "once", "at": "2026-12-24T09:00+01:00"}, "without an offset"),
        ({"frequency": "once", "at": "2026-12-24T09:00:30"}, "whole minute"),
        ({"frequency": "daily", "at": "09:00", "starts_on": "2026-02-01", "ends_on": "2026-01-01"}, "before starts_on"),
        ({"frequency": "daily", "at": "09:00", "on_holiday": "skip"}, "needs a calendar"),
        ({"frequency": "fortnightly", "at": "09:00"}, "frequency"),
        ({"frequency": "daily", "at": "09:00", "hour": 9}, "hour"),
    ],
)
def test_other_timings_that_are_refused(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TIMING.validate_python(data)
