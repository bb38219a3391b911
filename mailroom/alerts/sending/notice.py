"""Tell a user of an incident within Mailroom."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.notifications.events import OfSchedule


@dataclass(frozen=True, slots=True)
class IncidentTold(OfSchedule):
    """A user is told of an incident, or of its end; `schedule_id` is empty where it is about no single schedule."""

    words: str
    sentences: str
    level: str
    incident_kind: str
    link: str

    @property
    def severity(self) -> str:
        """Return how bad it is: `info` for the end of one."""
        return self.level

    @property
    def title(self) -> str:
        """Return what is wrong, or over."""
        return self.words

    @property
    def body(self) -> str:
        """Return what happened, whom it concerns and what to do."""
        return self.sentences
