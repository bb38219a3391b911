"""Hold the example bodies of users that the documentation shows."""

from __future__ import annotations

from typing import Any

PERSON: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "role": "creator",
    "team": "ext:sales",
    "external_id": "ada",
    "timezone": "Europe/London",
}
SERVICE: dict[str, Any] = {
    "email": "nightly@example.com",
    "name": "Nightly reports",
    "role": "creator",
    "external_id": "nightly",
    "is_service": True,
}
