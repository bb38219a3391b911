"""Compare a value of a report's data with a threshold. Pure.

A value is a number, a text, a day, or of a kind that nothing compares with. Two values of different kinds do not
compare; an empty value (null, NaN) is none at all.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.executions.conditions.spec import Operator, Threshold

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])", re.ASCII)
_OPERATORS: dict[Operator, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
NEGATED: dict[Operator, Operator] = {"<": ">=", "<=": ">", "=": "!=", "!=": "=", ">=": "<", ">": "<="}


def is_empty(value: Any) -> bool:
    """Tell whether a value is none: null, or not a number."""
    return value is None or value != value  # noqa: PLR0124 - only NaN differs from itself


def number_of(value: float | Decimal) -> Decimal:
    """Return a number as people write it: 0.1 is 0.1, whatever it is in binary."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def day_of(value: date, zone: ZoneInfo) -> str:
    """Return the day of a date or a point in time, which has its day in the schedule's zone."""
    if isinstance(value, datetime):
        value = (value.astimezone(zone) if value.tzinfo else value).date()
    return value.isoformat()


def begins_with_day(text: str) -> bool:
    """Tell whether a text begins with a date, as dates and points in time do in ISO 8601."""
    return _DAY.match(text) is not None


def holds(op: Operator, value: Any, limit: Any) -> bool:
    """Compare two values of one kind."""
    return _OPERATORS[op](value, limit)


def limit_of(threshold: Threshold) -> Decimal | str:
    """Return the value of a threshold as values of its kind are compared with it."""
    value = threshold.value
    return value if isinstance(value, str) else number_of(value)


def meets(threshold: Threshold, value: Any, zone: ZoneInfo) -> bool | None:
    """Tell whether a value that is not empty fulfils a threshold; None where the two cannot be compared."""
    limit, op = limit_of(threshold), threshold.op
    match value:
        case bool() | int() | float() | Decimal() if threshold.kind == "number":
            return holds(op, number_of(value), limit)
        case str() if threshold.kind == "text":
            return holds(op, value, limit)
        case str() if threshold.kind == "day" and begins_with_day(value):
            return holds(op, value[:10], limit)
        case date() if threshold.kind == "day":
            return holds(op, day_of(value, zone), limit)
    return None
