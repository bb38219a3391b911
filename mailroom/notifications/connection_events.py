"""Define the events of connections that users are told about."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.notifications.events import Event


@dataclass(frozen=True, slots=True)
class ConnectionDisabled(Event):
    """A connection was disabled: its breaker opened again and again, or the far side is gone; `reason` says why."""

    connection: str
    reason: str

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
