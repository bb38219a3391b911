"""What a timing refuses (SECURITY-TESTS 42–44), and what it takes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mailroom.timing import Timing

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
        ("", "letters, digits"),
        ("61 9 * * *", "'61' is not a minute"),
        ("0 9 32 * *", "'32' is not a day-of-month"),
        ("0 9 * foo *", "'foo' is not a month"),
        ("0 9 * * 8", "'8' is not a day-of-week"),
        ("0 9 * * fri#6", "cannot be read"),
        ("0 9 LW * *", "'lw' is not a day-of-month"),
        ("0 9 15W * *", "'15w' is not a day-of-month"),
        ("0 9 * * 5L", "'5l' is not a day-of-week"),
        ("? 9 * * *", "cannot be read"),
        ("0 22-2 * * *", "goes backwards"),
        ("0 9-9 * * *", "goes backwards"),
        ("*/70 * * * *", "step of"),
        ("0 9 */0 * *", "step of"),
        ("0 23/4 * * *", "different things"),
        ("0 9 * * 5/2", "different things"),
        ("0,* 9 * * *", "contains \\* and other values"),
        ("0 9 * * fri#2,mon", "mixes"),
        ("29 2 1 * 1#5", "would ignore"),
        ("0 9 */2 * mon", "some programs require both"),
        ("0 9 13 * */2", "some programs require both"),
        ("0 9 27 * 0-6", "one of the two means every day"),
        ("0 9 27 * 1-7", "one of the two means every day"),
        ("0 9 1-31 * mon", "one of the two means every day"),
        ("0 9 31 2,4 mon", "does not exist in month"),
    ],
)
def test_security_42_to_43_cron_expressions_that_are_refused(expression: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TIMING.validate_python({**CRON, "expression": expression})


@pytest.mark.parametrize(
    "expression",
    [
        "0 9 * * mon-fri",
        "0 9 L * *",
        "30 8 * * fri#2",
        "*/30 8-18 * * 1-5",
        "0 9 * JAN-mar Fri-Sun",
        "5/15 9 13 * fri",
        "0 9 ? * L5",
    ],
)
def test_cron_expressions_that_work(expression: str) -> None:
    assert TIMING.validate_python({**CRON, "expression": f" {expression}  "}).expression == expression  # type: ignore[union-attr]  # it is a Cron


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe/Berlin\n", "europe/berlin"])
def test_security_44_zones_that_are_refused(zone: str) -> None:
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
        ({"frequency": "hourly", "every": 13}, "every"),
        ({"frequency": "hourly", "every": 0}, "every"),
        ({"frequency": "hourly", "from": "18:00", "until": "08:00"}, "is before from"),
        ({"frequency": "hourly", "days": []}, "days"),
        ({"frequency": "quarterly", "month_of_quarter": 4, "day": 1, "at": "09:00"}, "month_of_quarter"),
        ({"frequency": "yearly", "month": 13, "day": 1, "at": "09:00"}, "month"),
        ({"frequency": "fortnightly", "at": "09:00"}, "frequency"),
        ({"frequency": "daily", "at": "09:00", "hour": 9}, "hour"),
    ],
)
def test_security_42_to_43_other_timings_that_are_refused(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TIMING.validate_python(data)
