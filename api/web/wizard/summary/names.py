"""Propose the name of a schedule from its report and its timing. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mailroom.timing import TIMING
from mailroom.timing.model import WEEKDAYS, Cron, Daily, Hourly, Immediate, Monthly, Once, Quarterly, Timing, Weekly

_DAYS = dict(
    zip(WEEKDAYS, ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"), strict=True)
)
_WORKING = {"mon", "tue", "wed", "thu", "fri"}
_LONGEST = 200


def proposed(report_title: str, timing: Any) -> str:
    """Return a name such as "Carrier punctuality, Mondays 09:00"."""
    return ", ".join(filter(None, [report_title[: _LONGEST - 60].rstrip(), timing_name(timing)]))


def timing_name(timing: Any) -> str:
    """Return a timing in a few words, such as "Mondays 09:00"; empty where it has faults or no short words."""
    try:
        return _when(TIMING.validate_python(timing))
    except ValidationError:
        return ""


def _when(timing: Timing) -> str:
    match timing:
        case Immediate() | Cron():
            return ""
        case Once():
            return f"{timing.at.day} {timing.at:%b %Y %H:%M}"
        case Hourly():
            return "hourly" if timing.every == 1 else f"every {timing.every} hours"
        case Daily():
            return f"daily {timing.at:%H:%M}"
        case Weekly():
            return f"{_days(timing.days)} {timing.at:%H:%M}"
        case Monthly():
            return f"monthly {timing.at:%H:%M}"
        case Quarterly():
            return f"quarterly {timing.at:%H:%M}"
        case _:
            return f"yearly {timing.at:%H:%M}"


def _days(days: Any) -> str:
    chosen = set(days)
    if chosen == set(WEEKDAYS):
        return "daily"
    if chosen == _WORKING:
        return "working days"
    return ", ".join(words for day, words in _DAYS.items() if day in chosen)
