"""Make small reports over the sample data, and schedules of three kinds that are due at one moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bench.troubled import script

_SCHEDULES_A_REPORT = 15
_QUERY = """SELECT carrier, count(*) AS flights FROM flights
WHERE flight_date = :day AND departure_delay > 0 GROUP BY carrier ORDER BY carrier"""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def reports(n: int) -> list[dict[str, Any]]:
    """Return the reports that `n` schedules need."""
    return [_report(number) for number in range(-(-n // _SCHEDULES_A_REPORT))]


def _report(number: int) -> dict[str, Any]:
    day = f"2013-{number % 12 + 1:02d}-{number // 12 % 28 + 1:02d}"
    return {
        "id": f"troubled-{number}",
        "title": f"Late departures, sample {number}",
        "source": {"kind": "sql", "connection": "flights", "queries": {"rows": _QUERY}},
        "parameters": {"type": "object", "properties": {"day": {"type": "string", "format": "date", "default": day}}},
        "sections": [{"kind": "table", "query": "rows"}],
        "formats": ["csv"],
    }


def timing(number: int, due: datetime) -> dict[str, Any]:
    """Return the timing of a schedule: cron, daily or weekly, in a zone of its own, and due at `due`."""
    if number % 3 == 0:
        return {"frequency": "cron", "expression": f"{due.minute} {due.hour} * * *", "timezone": "UTC"}
    if number % 3 == 1:
        local = due.astimezone(ZoneInfo("Europe/Berlin"))
        return {"frequency": "daily", "at": f"{local:%H:%M}", "timezone": "Europe/Berlin"}
    local = due.astimezone(ZoneInfo("America/New_York"))
    return {
        "frequency": "weekly",
        "days": [_DAYS[local.weekday()]],
        "at": f"{local:%H:%M}",
        "timezone": "America/New_York",
    }


def schedule(number: int, recipients: int, due: datetime) -> dict[str, Any]:
    """Return a schedule whose recipients get mail from nobody else, with a file, an object and a webhook of its own."""
    first = number * recipients + 1
    store = script.store_of(number + 1)
    to = [script.address(one) for one in range(first, first + recipients)]
    return {
        "name": f"troubled {number}",
        "report_id": f"troubled-{number // _SCHEDULES_A_REPORT}",
        "timing": timing(number, due),
        "formats": ["csv"],
        "destinations": [
            {"channel": "email", "connection": "troubled", "to": to},
            {"channel": "sftp", "connection": "troubled-files", "path": script.file_name(number + 1)},
            {"channel": store, "connection": f"troubled-{store}", "path": script.object_name(number + 1)},
            {"channel": "webhook", "connection": "troubled-hook", "payload": "facts"},
        ],
    }


def recipients(body: dict[str, Any], number: int) -> tuple[str, ...]:
    """Return everybody whom a schedule reaches, as the journals call them."""
    mail, files, store, _ = body["destinations"]
    return (*mail["to"], files["path"], store["path"], script.hook(number + 1))
