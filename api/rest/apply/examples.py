"""Examples of documents, which the OpenAPI document shows and a test applies."""

from __future__ import annotations

from typing import Any

CALENDAR: dict[str, Any] = {
    "apiVersion": "mailroom/v1",
    "kind": "calendar",
    "name": "berlin-office",
    "spec": {"title": "Berlin office", "country": "DE", "subdivision": "BE"},
}
SCHEDULE: dict[str, Any] = {
    "apiVersion": "mailroom/v1",
    "kind": "schedule",
    "name": "emea-weekly-sales",
    "owner": "ada@example.com",
    "spec": {
        "name": "EMEA weekly sales",
        "report_id": "sales-by-region",
        "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"},
        "formats": ["pdf"],
        "destinations": [{"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"]}],
    },
}
