"""Define the events of connections that users are told about."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.notifications.events import Event
from mailroom.notifications.kinds import Kind


@dataclass(frozen=True, slots=True)
class OfConnection(Event):
    """An event of a connection that its users and the admins should know about."""

    connection: str

    @property
    def subject(self) -> str | None:
        """Return the name of the connection."""
        return self.connection


@dataclass(frozen=True, slots=True)
class ConnectionDisabled(OfConnection):
    """A connection was disabled: its breaker opened again and again, or the far side is gone; `reason` says why."""

    reason: str

    kind = Kind.CONNECTION_DISABLED

    @property
    def severity(self) -> str:
        """Return `error`: nothing goes through it any more."""
        return "error"

    @property
    def title(self) -> str:
        """Return the connection and what happened to it."""
        return f"The connection {self.connection} was disabled"

    @property
    def body(self) -> str:
        """Return why, what waits, and what to do."""
        return (
            f"{self.reason} Deliveries through it wait until an admin has mended the connection and enabled it: change "
            "its settings, or enable it as it is. Those that wait until their run expires are given up."
        )


@dataclass(frozen=True, slots=True)
class ConnectionEnabled(OfConnection):
    """A connection that was disabled works again, as `who` has enabled it."""

    who: str

    kind = Kind.CONNECTION_ENABLED

    @property
    def severity(self) -> str:
        """Return `info`: there is nothing to do."""
        return "info"

    @property
    def title(self) -> str:
        """Return the connection and what happened to it."""
        return f"The connection {self.connection} is enabled again"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        return f"{self.who} enabled it, or changed its settings. What waited for it is sent now."
