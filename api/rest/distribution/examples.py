"""Examples of bodies for the routes of distribution."""

from __future__ import annotations

from api.http.bodies import examples

_TIMING = {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"}
PREVIEWS = examples(
    email={
        "report_id": "sales-by-region",
        "name": "EMEA weekly sales",
        "timing": _TIMING,
        "parameters": {"region": "EMEA"},
        "destination": {
            "channel": "email",
            "connection": "corp-smtp",
            "to": ["ada@example.com"],
            "subject": "{report_name} {date}",
            "text": "Dear readers,\n\nhere are the figures for {param_region} of {date:%d %B %Y}.",
        },
    },
    folder={
        "report_id": "sales-by-region",
        "timing": _TIMING,
        "formats": ["csv"],
        "destination": {"channel": "folder", "connection": "archive", "path": "{date:%Y/%m}/{report_slug}.{ext}"},
    },
)
