"""Define the events of the audit trail about incidents: what people do to them."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.audit.events import Event


class _OfIncident(Event):
    __slots__ = ()
    entity_type = "incident"


@dataclass(frozen=True, slots=True)
class IncidentAcknowledged(_OfIncident):
    """A person took note of an incident; it goes to nobody else."""

    action = "acknowledged"
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class IncidentMuted(_OfIncident):
    """A person wants nothing told of an incident until a moment."""

    action = "muted"
    kind: str
    subject: str
    until: str


@dataclass(frozen=True, slots=True)
class IncidentUnmuted(_OfIncident):
    """A person wants to be told of an incident again."""

    action = "unmuted"
    kind: str
    subject: str
