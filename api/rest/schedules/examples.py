"""Hold the example bodies of schedules that the documentation shows."""

from __future__ import annotations

from typing import Any

from api.http.bodies import examples

SCHEDULE: dict[str, Any] = {
    "name": "EMEA weekly sales",
    "report_id": "carrier-punctuality",
    "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"},
    "parameters": {},
    "formats": ["pdf", "xlsx"],
    "destinations": [
        {
            "channel": "email",
            "connection": "corp-smtp",
            "to": ["ada@example.com"],
            "subject": "{report_name} {date}",
            "attach": "attachment",
        },
        {"channel": "folder", "connection": "shared-folder", "path": "{report_slug}/{date}.{ext}"},
    ],
    "condition": {"send_if": "always"},
    "policy": {"overlap": "skip", "catchup": "latest", "expires_after": "PT4H", "pause_after_failures": 5},
}

SCHEDULES = examples(
    weekly_mail_and_folder=SCHEDULE,
    last_business_day_of_the_month={
        **SCHEDULE,
        "timing": {"frequency": "monthly", "day": {"business_day": -1}, "at": "07:30", "timezone": "Europe/Berlin"},
    },
    by_cron={**SCHEDULE, "timing": {"frequency": "cron", "expression": "0 9 * * mon-fri", "timezone": "UTC"}},
)
PATCHES = examples(
    another_time={"timing": {"at": "10:30"}},
    back_to_the_default_policy={"policy": None},
)
