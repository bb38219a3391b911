"""Hold the example of an answer about limits that the documentation shows."""

from __future__ import annotations

from typing import Any

LIMITS: dict[str, Any] = {
    "user": "0b7c2c0e-6a51-4a43-9d0f-2f9f2f1f7a10",
    "role": "creator",
    "ask": "reports-team@example.com",
    "limits": [
        {"name": "schedules", "limit": 10, "used": 9},
        {"name": "runs_an_hour", "limit": 20, "used": 0},
        {"name": "interval_seconds", "limit": 3600, "used": None},
        {"name": "recipients", "limit": 50, "used": None},
        {"name": "recipient_domains", "limit": "example.com *.example.com", "used": None},
    ],
    "above": [
        {
            "schedule_id": "3f0c6f5e-0d0b-4c38-8f3a-7c1f6f1a5d11",
            "name": "EMEA weekly sales",
            "limits": [{"name": "recipients", "limit": 50, "used": 80}],
        }
    ],
    "above_complete": True,
}
