"""The work of the peak: reports of two pages with a chart and 5,000 rows, and a schedule for each recipient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

_ROWS = """
SELECT flight_date, flight_number, origin, destination, departure_delay, arrival_delay, miles
FROM flights WHERE flight_date >= :day AND departure_delay IS NOT NULL ORDER BY flight_date, flight_number LIMIT 5000
"""
_BY_CARRIER = """
SELECT carrier, count(*) AS flights, avg(departure_delay) AS delay
FROM flights WHERE flight_date BETWEEN :day AND date(:day, '+13 days') GROUP BY carrier ORDER BY flights DESC
"""


def report(number: int, prefix: str = "bench") -> dict[str, Any]:
    """A report definition; each number reads other rows."""
    day = f"2013-{number % 10 + 1:02d}-{number // 10 % 28 + 1:02d}"
    return {
        "id": f"{prefix}-{number}",
        "title": f"Departures, sample {number}",
        "source": {"kind": "sql", "connection": "flights", "queries": {"rows": _ROWS, "by_carrier": _BY_CARRIER}},
        "parameters": {"type": "object", "properties": {"day": {"type": "string", "format": "date", "default": day}}},
        "sections": [
            {
                "kind": "chart",
                "query": "by_carrier",
                "chart": "bar",
                "x": {"name": "carrier"},
                "y": [{"name": "flights"}],
                "alt": "Flights by airline.",
            },
            {"kind": "table", "query": "rows", "max_rows": 60},
        ],
        "formats": ["pdf", "xlsx"],
    }


def recipient(number: int, prefix: str = "bench") -> str:
    """To whom the schedule of that number goes."""
    return f"{prefix}-{number}@example.com"


def at(due: datetime) -> dict[str, Any]:
    """Once a day at the minute of `due` (UTC)."""
    return {"frequency": "cron", "expression": f"{due.minute} {due.hour} * * *"}


def schedule(number: int, reports: int, timing: dict[str, Any], prefix: str = "bench") -> dict[str, Any]:
    """A schedule of a recipient of its own."""
    return {
        "name": f"{prefix} {number}",
        "report_id": f"{prefix}-{number % reports}",
        "timing": timing,
        "formats": ["pdf", "xlsx"],
        "destinations": [{"channel": "email", "connection": "bench", "to": [recipient(number, prefix)]}],
    }
