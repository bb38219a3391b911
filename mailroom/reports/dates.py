"""Relative dates: what `start_of_last_month` or `today-1d` means for an occurrence. Pure; nobody asks the clock.

    expression = date | anchor offset*
    date       = YYYY-MM-DD
    anchor     = "today" | "yesterday" | "tomorrow" | ("start" | "end") "_of_" ["last_" ["full_"]] period
    period     = "week" | "month" | "quarter" | "year"
    offset     = ("+" | "-") digits ("d" | "w" | "m" | "y")

`last_` is the whole period before the current one, so `last_full_` says the same and reads better for weeks. `end` is
the period's last day. Offsets are applied from left to right. Adding months or years keeps the day of the month, or
takes the month's last day where it has none such: 31 January + 1m is 28 or 29 February, 29 February + 1y 28 February.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from prefect_mailroom.errors import ConfigurationError

WeekStart = Literal["monday", "sunday"]

_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_EDGES = [
    f"{edge}_of_{last}{period}"
    for last in ("", "last_", "last_full_")
    for period in ("week", "month", "quarter", "year")
    for edge in ("start", "end")
]
ANCHORS = (*_DAYS, *_EDGES)
_EXPRESSION = re.compile(r"(?P<anchor>[a-z]+(?:_[a-z]+)*)(?P<offsets>(?:[+-][0-9]{1,5}[dwmy])*)")
_OFFSET = re.compile(r"([+-][0-9]+)([dwmy])")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
HELP = (
    "Write a date such as 2026-01-31, or today, today-1d, start_of_month, start_of_last_month, end_of_last_full_week."
)


def is_relative(expression: str) -> bool:
    """Tell whether this is a relative date of the grammar above (a fixed date is not)."""
    match = _EXPRESSION.fullmatch(expression)
    return match is not None and match["anchor"] in ANCHORS


def resolve(expression: str, due_at: datetime, timezone: str, week_starts: WeekStart = "monday") -> date:
    """Return the date that an expression means for the occurrence due at `due_at` in the schedule's zone.

    Raises:
        ConfigurationError: the expression is not of the grammar, or leaves the calendar (years 1 to 9999).
    """
    if due_at.tzinfo is None:
        raise ValueError("due_at needs a time zone")
    if _ISO_DATE.fullmatch(expression):
        try:
            return date.fromisoformat(expression)
        except ValueError as error:
            raise ConfigurationError(f"There is no date '{expression}'.", remedy=HELP) from error
    match = _EXPRESSION.fullmatch(expression)
    if match is None or match["anchor"] not in ANCHORS:
        raise ConfigurationError(f"'{expression[:60]}' is not a date that Mailroom understands.", remedy=HELP)
    try:
        day = _anchor(match["anchor"], due_at.astimezone(ZoneInfo(timezone)).date(), week_starts)
        for amount, unit in _OFFSET.findall(match["offsets"]):
            day = _add(day, int(amount), unit)
    except (OverflowError, ValueError) as error:
        raise ConfigurationError(f"'{expression}' is outside the calendar.", remedy="Use a smaller offset.") from error
    return day


def resolve_moment(expression: str, due_at: datetime, timezone: str, week_starts: WeekStart = "monday") -> datetime:
    """Return the start of the day that an expression means, as an instant; where clocks skip it, just after."""
    day = resolve(expression, due_at, timezone, week_starts)
    zone = ZoneInfo(timezone)
    return datetime.combine(day, time.min, zone).astimezone(UTC).astimezone(zone)


def _anchor(anchor: str, today: date, week_starts: WeekStart) -> date:
    if anchor in _DAYS:
        return today + timedelta(days=_DAYS[anchor])
    edge, _, rest = anchor.partition("_of_")
    period = rest.rpartition("_")[2]
    back = 1 if rest.startswith("last_") else 0
    if period == "week":
        weekday = today.weekday() if week_starts == "monday" else (today.weekday() + 1) % 7
        start = today - timedelta(days=weekday + 7 * back)
        return start if edge == "start" else start + timedelta(days=6)
    length = _MONTHS[period]
    first_month = (today.month - 1) // length * length + 1
    start = _add(today.replace(month=first_month, day=1), -length * back, "m")
    return start if edge == "start" else _last_day(_add(start, length - 1, "m"))


def _add(day: date, amount: int, unit: str) -> date:
    if unit in "dw":
        return day + timedelta(days=amount * (7 if unit == "w" else 1))
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(f"year {year}")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _last_day(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def window_days(data_window: str | None, parameters: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """Return the first and last day of a report's data, None where the report does not bound it by days.

    Args:
        data_window: the names of the parameters that bound it, as the report gives them, such as `from..to`.
        parameters: final values, with relative dates resolved.
    """
    days: list[date | None] = []
    for name in (data_window or "").split(".."):
        value = parameters.get(name)
        try:
            days.append(date.fromisoformat(str(value)[:10]) if value else None)
        except ValueError:
            days.append(None)
    return (days[0], days[1]) if len(days) == 2 else (None, None)
