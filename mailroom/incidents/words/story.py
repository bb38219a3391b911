"""Bring together what the words of an alert are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage

MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Story:
    """Hold the facts of an incident that one reader may be told.

    Attributes:
        incident_id: the incident; empty for a test.
        subject: the id of what it is about, as for a schedule, or its name, as for a connection.
        values: what its finder has written down.
        schedules: the names of the schedules that it concerns and that this reader may know, by name.
        schedule_id: the id of the only one of them; empty where it concerns several, or none.
        others: how many more schedules it concerns.
        zone: the time zone of the reader.
    """

    incident_id: str
    kind: IncidentKind
    severity: Severity
    stage: Stage
    level: Level
    subject: str
    opened_at: datetime
    resolved_at: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    schedules: tuple[str, ...] = ()
    schedule_id: str = ""
    others: int = 0
    zone: str = "UTC"

    @property
    def what(self) -> str:
        """Return the name of the schedule that it is about, or how many there are."""
        if len(self.schedules) == 1 and not self.others:
            return self.schedules[0]
        total = len(self.schedules) + self.others
        if total > 1:
            return counted(total, "schedule")
        return str(self.values.get("schedule") or "A schedule")

    @property
    def is_one(self) -> bool:
        """Return whether it is about one schedule."""
        return len(self.schedules) + self.others <= 1

    @property
    def reasons(self) -> list[str]:
        """Return why, as far as the finder knows, as sentences; none of them twice."""
        found: list[str] = []
        for name in ("reason", "why", "error", "message"):
            said = self.values.get(name)
            if isinstance(said, str) and (text := sentence(said)) and not any(text in other for other in found):
                found.append(text)
        return found


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def sentence(text: str) -> str:
    """Return a text with a full stop at its end."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def listed(names: tuple[str, ...], others: int) -> str:
    """Return names as people say them: the first few, and how many more there are."""
    shown, more = names[:MOST_NAMES], len(names[MOST_NAMES:]) + others
    parts = [*shown, f"{more:,} more"] if more else list(shown)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
