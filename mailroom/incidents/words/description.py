"""Describe an incident to a reader who looks at it. Pure. Since when it is so is `opened_at`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.kinds import words_of
from mailroom.incidents.words.story import Story
from mailroom.storage.model.upkeep.incidents import Incident


@dataclass(frozen=True, slots=True)
class Description:
    """Hold what a reader is told of an incident.

    Attributes:
        title: what is wrong, in a line.
        what: what happened and why, in sentences.
        to_do: what to do, one sentence each; nothing once it is over.
        over: how it is now that it is over; empty before.
    """

    title: str
    what: str
    to_do: tuple[str, ...] = ()
    over: str = ""


def describe(row: Incident, names: Sequence[str], *, others: int = 0, zone: str = "UTC") -> Description:
    """Return what a reader is told.

    Args:
        names: the names of its schedules that the reader may know.
        others: how many schedules it has besides.
        zone: the time zone of the reader.
    """
    is_over = row.resolved_at is not None
    story = Story(
        incident_id=row.id,
        kind=IncidentKind(row.kind),
        severity=Severity(row.severity),
        stage=Stage.RESOLVED if is_over else Stage.OPENED,
        level=Level(row.level),
        subject=row.subject,
        opened_at=row.opened_at,
        resolved_at=row.resolved_at,
        values=row.values,
        schedules=tuple(names),
        others=others,
        zone=zone,
    )
    words = words_of(story.kind)
    what = " ".join([words.happened(story), *story.reasons])
    if is_over:
        return Description(words.title(story), what, over=words.over(story))
    return Description(words.title(story), what, words.todo)
