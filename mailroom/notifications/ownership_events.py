"""Define what users are told when schedules get other owners or readers."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.notifications.kinds import Kind
from mailroom.notifications.schedule_events import ChangedByOther


@dataclass(frozen=True, slots=True)
class Received(ChangedByOther):
    """The user owns the schedule now; `former` is the address of whoever owned it before."""

    former: str

    kind = Kind.SCHEDULE_REASSIGNED

    @property
    def severity(self) -> str:
        """Return `warning`: the user answers for it from now on."""
        return "warning"

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} is yours now"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        return (
            f"{self.who} gave it to you; it was {self.former}'s. From now on it runs with your rights, and you are "
            "told when it fails. Look at what it sends and to whom."
        )


@dataclass(frozen=True, slots=True)
class HandedOver(ChangedByOther):
    """The user owns the schedule no longer; `owner` is the address of whoever does."""

    owner: str

    kind = Kind.SCHEDULE_REASSIGNED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was handed over"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        return f"{self.who} gave it to {self.owner}. You are not told of it any more."


@dataclass(frozen=True, slots=True)
class Shared(ChangedByOther):
    """The schedule is shared with the user, or with the user's team."""

    kind = Kind.SCHEDULE_SHARED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} is shared with you"

    @property
    def body(self) -> str:
        """Return who did it, and what the user may do."""
        return f"{self.who} shared it. You see it, its runs and its files, and change nothing."
