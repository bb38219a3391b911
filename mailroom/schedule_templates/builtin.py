"""Define the templates that come with Mailroom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BuiltinTemplate:
    """A template that comes with Mailroom; `body` has some fields of a schedule, without report and recipients."""

    id: str
    title: str
    description: str
    body: Mapping[str, Any]


_EVERY = (
    BuiltinTemplate(
        "monday-morning",
        "Monday morning",
        "A mail with the PDF every Monday at 09:00.",
        {
            "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00"},
            "formats": ["pdf"],
            "destinations": [{"channel": "email", "to": [], "subject": "{report_name} {date}", "attach": "attachment"}],
        },
    ),
    BuiltinTemplate(
        "month-end-to-folder",
        "Month end to a folder",
        "All rows as XLSX into a folder, on the last working day of each month at 18:00.",
        {
            "timing": {"frequency": "monthly", "day": {"business_day": -1}, "at": "18:00"},
            "formats": ["xlsx"],
            "destinations": [{"channel": "folder", "path": "{report_slug}/{date:%Y-%m}.{ext}"}],
        },
    ),
    BuiltinTemplate(
        "every-working-day",
        "Every working day",
        "A mail from Monday to Friday at 08:00, only when there are rows.",
        {
            "timing": {"frequency": "weekly", "days": ["mon", "tue", "wed", "thu", "fri"], "at": "08:00"},
            "condition": {"send_if": "not_empty"},
            "formats": ["pdf"],
            "destinations": [{"channel": "email", "to": [], "subject": "{report_name} {date}", "attach": "attachment"}],
        },
    ),
)
BUILTIN: Mapping[str, BuiltinTemplate] = {one.id: one for one in _EVERY}
