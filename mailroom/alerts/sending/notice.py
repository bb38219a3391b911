"""Tell a user of an incident within Mailroom."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.alerts.words.message import Message
from mailroom.incidents.covering import OF_SCHEDULE
from mailroom.incidents.spec import Level, Stage
from mailroom.incidents.words.story import Story
from mailroom.notifications.events import OfIncident
from mailroom.notifications.kinds import TOLD_AT_ONCE, kind_of


@dataclass(frozen=True, slots=True)
class IncidentTold(OfIncident):
    """A user is told of an incident, or of its end."""

    words: str
    sentences: str
    how_bad: str

    @property
    def severity(self) -> str:
        """Return how bad it is: `info` for the end of one."""
        return self.how_bad

    @property
    def title(self) -> str:
        """Return what is wrong, or over."""
        return self.words

    @property
    def body(self) -> str:
        """Return what happened, whom it concerns and what to do."""
        return self.sentences


def notice_of(user_id: str, story: Story, message: Message) -> IncidentTold:
    """Return what a user is told. Pure."""
    return IncidentTold(
        user_id=user_id,
        incident_id=story.incident_id,
        incident_kind=str(story.kind),
        about=None if story.kind in OF_SCHEDULE else story.subject,
        schedule=story.schedule_id or None,
        words=message.title,
        sentences=message.body,
        how_bad="info" if story.stage is Stage.RESOLVED else "error",
    )


def is_told_already(story: Story, *, is_fallback: bool) -> bool:
    """Tell whether the owner of a schedule was told within Mailroom when it happened. Pure."""
    return kind_of(story.kind) in TOLD_AT_ONCE and story.level is Level.OWNER and not is_fallback
