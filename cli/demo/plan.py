"""The schedules that the demo creates. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

PREFIX = "Demo: "
READER = "ada@example.com"
WEBHOOK = "demo-webhook"
# Prefect looks for new deployments every 2 s here, and cannot insert a run for a minute that has passed; the rest is
# for a busy machine.
LEAD = timedelta(seconds=12)


def due_minute(now: datetime) -> datetime:
    """Return the next full minute that is far enough away for its deployment to be there in time."""
    return (now + LEAD).replace(second=0, microsecond=0) + timedelta(minutes=1)


def by_cron(due: datetime) -> dict[str, Any]:
    """Return a schedule that mails three files, due at that minute (UTC) by cron."""
    return {
        "name": f"{PREFIX}punctuality, by cron",
        "report_id": "carrier-punctuality",
        "timing": {"frequency": "cron", "expression": f"{due.minute} {due.hour} * * *", "timezone": "UTC"},
        "formats": ["pdf", "xlsx", "csv"],
        "destinations": [
            {"channel": "email", "connection": "local-mail", "to": [READER], "subject": "{report_name} {date}"}
        ],
    }


def by_run() -> dict[str, Any]:
    """Return a schedule that writes files to a folder; it is run by hand, since its own time is far away."""
    return {
        "name": f"{PREFIX}departures, run now",
        "report_id": "airport-daily-departures",
        "timing": {"frequency": "monthly", "day": 1, "at": "06:00", "timezone": "Europe/Berlin"},
        "formats": ["pdf", "xlsx"],
        "destinations": [
            {"channel": "folder", "connection": "local-folder", "path": "{report_slug}/{date}/{report_slug}.{ext}"}
        ],
    }


def by_test() -> dict[str, Any]:
    """Return a schedule that sends a signed webhook; it is run as a test."""
    return {
        "name": f"{PREFIX}delay list, test",
        "report_id": "delay-list",
        "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"},
        "formats": ["csv"],
        "destinations": [{"channel": "webhook", "connection": WEBHOOK}],
    }
