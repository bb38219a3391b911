"""Hold the example bodies of calendars that the documentation shows."""

from __future__ import annotations

from typing import Any

CALENDAR: dict[str, Any] = {
    "title": "Munich office",
    "country": "DE",
    "subdivision": "BY",
    "weekend": ["sat", "sun"],
    "holidays": [{"date": "2026-12-24", "name": "Office closed"}],
    "working_days": [],
}
