"""Define what owners are told about the people who get their reports."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.notifications.events import OfSchedule
from mailroom.notifications.kinds import Kind


@dataclass(frozen=True, slots=True)
class Stopped(OfSchedule):
    """A recipient wants no more mails of a schedule, or of anything (`everything`)."""

    address: str
    everything: bool = False

    kind = Kind.RECIPIENT_CHANGED

    @property
    def title(self) -> str:
        """Return the schedule and what happened."""
        return f"{self.schedule_name}: a recipient has unsubscribed"

    @property
    def body(self) -> str:
        """Return who it is, what follows, and how it is undone."""
        if self.everything:
            return (
                f"{self.address} wants no more mails from here, and gets nothing of any schedule. The schedule stays "
                "as it is, and others still get theirs. The person can undo it by the link in the mail, and an admin "
                "by the list of suppressions."
            )
        return (
            f"{self.address} wants no more mails of this schedule, and gets nothing of it. The schedule stays as it "
            "is, and others still get theirs. The person can undo it by the link in the mail, and you can subscribe "
            "the address again among the recipients of the schedule, if the person asks for it."
        )


@dataclass(frozen=True, slots=True)
class StartedAgain(OfSchedule):
    """A recipient who had unsubscribed gets mails again."""

    address: str

    kind = Kind.RECIPIENT_CHANGED

    @property
    def title(self) -> str:
        """Return the schedule and what happened."""
        return f"{self.schedule_name}: a recipient is back"

    @property
    def body(self) -> str:
        """Return who it is."""
        return f"{self.address} had unsubscribed, and gets the mails of this schedule again from the next run on."
