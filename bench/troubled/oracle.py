"""Work out due times from schedules as they were posted, by croniter and zoneinfo. Nothing of Mailroom is used here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter


def expression(timing: Mapping[str, Any]) -> str:
    """Return the timing as a cron expression of its own zone. Pure.

    Raises:
        ValueError: the scenario posts no such timing.
    """
    if timing["frequency"] == "cron":
        return str(timing["expression"])
    hour, minute = (int(part) for part in timing["at"].split(":"))
    match timing["frequency"]:
        case "daily":
            return f"{minute} {hour} * * *"
        case "weekly":
            return f"{minute} {hour} * * {','.join(timing['days'])}"
    raise ValueError(f"The oracle does not know the frequency {timing['frequency']!r}.")


def due_times(timing: Mapping[str, Any], after: datetime, until: datetime) -> list[datetime]:
    """Return every due time after `after` and up to `until`, in UTC. Pure."""
    walk = croniter(expression(timing), after.astimezone(ZoneInfo(timing["timezone"])))
    found: list[datetime] = []
    while (moment := walk.get_next(datetime).astimezone(UTC)) <= until:
        found.append(moment)
    return found
