"""Define the events of the audit trail about breakers of connections."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.audit.events import Event


class _OfConnection(Event):
    __slots__ = ()
    entity_type = "connection"


@dataclass(frozen=True, slots=True)
class ConnectionDisabled(_OfConnection):
    """Mailroom disabled a connection: nothing leaves through it until a person enables it. `trips` counts the trials
    in a row that failed.
    """

    action = "disabled"
    reason: str
    trips: int


@dataclass(frozen=True, slots=True)
class ConnectionEnabled(_OfConnection):
    """A person let deliveries go through a connection again, which was in the state `was`; or it got other settings."""

    action = "enabled"
    was: str
    by_change: bool
