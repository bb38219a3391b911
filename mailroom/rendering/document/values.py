"""Format single values for people, spreadsheets and machines. Pure functions; no locale is used."""

from __future__ import annotations

import base64
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo

from mailroom.rendering.document.rows import Kind
from mailroom.reports.spec import Column

NOTHING = "\u2013"
CURRENCIES = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF ", "INR": "₹"}
NUMERIC = ("integer", "decimal", "percent", "money", "minutes")


def shown(value: Any, column: Column, zone: ZoneInfo) -> str:
    """Return the value as a reader sees it.

    `percent` takes a fraction (0.25 is 25%), `minutes` takes minutes. `money` has two decimals, or none where the
    column says `decimals: 0`. Aware datetimes are shown in `zone`. A column without a format shows what came, with
    no thousands separators: it may be a year or a flight number.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if column.format in NUMERIC and is_number(value):
        return _number(value, column)
    if column.format in ("date", "datetime"):
        moment = as_moment(value)
        if moment is not None:
            return _moment(moment if column.format == "datetime" else _day(moment, zone), zone)
    return _plain(value, zone)


def is_number(value: Any) -> TypeGuard[int | float | Decimal]:
    """Tell whether a value can be reckoned with: a finite number, and not a boolean."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: float | Decimal, column: Column) -> str:
    digits = column.decimals
    match column.format:
        case "integer":
            return f"{value:,.0f}"
        case "percent":
            return f"{value * 100:,.{digits}f}%"
        case "money":
            sign = "-" if value < 0 else ""
            symbol = CURRENCIES.get(column.currency, f"{column.currency} ")
            return f"{sign}{symbol}{abs(value):,.{2 if digits else 0}f}"
        case "minutes":
            return f"{value:,.{digits}f} min"
        case _:
            return f"{value:,.{digits}f}"


def _plain(value: Any, zone: ZoneInfo) -> str:
    match value:
        case bool():
            return "Yes" if value else "No"
        case float():
            return f"{value:.10g}"
        case Decimal():
            return f"{value:f}"
        case datetime() | date():
            return _moment(value, zone)
        case time():
            return f"{value:%H:%M}"
        case bytes() | bytearray() | memoryview():
            return f"{len(value):,} bytes"
        case _:
            return str(value)


def _day(moment: date | datetime, zone: ZoneInfo) -> date:
    if isinstance(moment, datetime):
        return (moment.astimezone(zone) if moment.tzinfo else moment).date()
    return moment


def _moment(moment: date | datetime, zone: ZoneInfo) -> str:
    day = f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"
    if not isinstance(moment, datetime):
        return day
    if moment.tzinfo:
        moment = moment.astimezone(zone)
        day = f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"
    return f"{day}, {moment:%H:%M}"


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def as_moment(value: Any) -> date | datetime | None:
    """Return a date or datetime from either, or from ISO 8601 text (what SQLite keeps); None if it is neither."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) < 10:
        return None
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        return None


def due_text(due_at: datetime, zone: ZoneInfo) -> str:
    """Return a due time in words, in the schedule's zone: `Mon 4 Mar 2013, 09:00 (Europe/Berlin)`."""
    local = due_at.astimezone(zone)
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return f"{days[local.weekday()]} {_moment(local, zone)} ({zone.key})"


def is_right(column: Column, kind: Kind) -> bool:
    """Tell whether a column is set to the right: it says so, or it holds numbers."""
    if column.align:
        return column.align == "right"
    return column.format in NUMERIC or (column.format is None and kind in ("integer", "decimal"))


def excel_format(column: Column, kind: Kind) -> str:
    """Return Excel's number format for a column; 'General' where Excel's own choice is right."""
    decimals = "0." + "0" * column.decimals if column.decimals else "0"
    symbol = CURRENCIES.get(column.currency, f"{column.currency} ")
    by_format = {
        "integer": "#,##0",
        "decimal": f"#,##{decimals}",
        "percent": f"{decimals}%",
        "money": f'"{symbol}"#,##0' + (".00" if column.decimals else ""),
        "minutes": f'#,##{decimals}" min"',
        "date": "d mmm yyyy",
        "datetime": "d mmm yyyy hh:mm",
        "text": "@",
    }
    by_kind = {"date": "d mmm yyyy", "datetime": "d mmm yyyy hh:mm", "time": "hh:mm", "integer": "0"}
    return by_format[column.format] if column.format else by_kind.get(kind, "General")


def plain_json(value: Any) -> Any:
    """Return the value for JSON: decimals as text with every digit, moments in ISO 8601, bytes in base64, no NaN."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case Decimal():
            return f"{value:f}"
        case list() | tuple():
            return [plain_json(item) for item in value]
        case dict():
            return {str(key): plain_json(item) for key, item in value.items()}
        case _:
            return str(value)
