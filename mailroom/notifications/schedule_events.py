"""Define what users are told about schedules that others have changed, or that work again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.notifications.events import OfExecution, OfSchedule
from mailroom.notifications.kinds import Kind
from prefect_mailroom.channels.email.texts.moments import moment_words


@dataclass(frozen=True, slots=True)
class SuspendedAfterFailures(OfSchedule):
    """A schedule was suspended, since `failures` runs in a row did not reach everybody."""

    failures: int

    kind = Kind.SCHEDULE_SUSPENDED

    @property
    def severity(self) -> str:
        """Return `error`: nothing is sent any more."""
        return "error"

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was suspended"

    @property
    def body(self) -> str:
        """Return why, and what to do."""
        return (
            f"{self.failures} runs in a row did not reach everybody. Nothing is sent until it is resumed: mend what "
            "failed, send a test to yourself, then resume the schedule."
        )


@dataclass(frozen=True, slots=True)
class Recovered(OfExecution):
    """A run that was due at `due_at` reached everybody, after the one before it had failed or was missed."""

    due_at: datetime

    kind = Kind.SCHEDULE_RECOVERED

    @property
    def severity(self) -> str:
        """Return `info`: there is nothing to do."""
        return "info"

    @property
    def title(self) -> str:
        """Return the schedule and what happened."""
        return f"{self.schedule_name} was delivered again"

    @property
    def body(self) -> str:
        """Return which run it was."""
        return self.body_in("UTC")

    def body_in(self, zone: str) -> str:
        """Return the same with times as the clocks of a zone show them."""
        due = moment_words(self.due_at.isoformat(), zone)
        return f"The run due at {due} reached everybody; the one before it had not."


@dataclass(frozen=True, slots=True)
class CorrectionSent(OfExecution):
    """The correction of a wrong report was sent; `everybody` says whether it reached all who had got the wrong one."""

    due_at: datetime

    kind = Kind.CORRECTION_SENT

    @property
    def severity(self) -> str:
        """Return `info`: there is nothing to do."""
        return "info"

    @property
    def title(self) -> str:
        """Return the schedule and what happened."""
        return f"{self.schedule_name}: the correction was sent"

    @property
    def body(self) -> str:
        """Return what it corrects."""
        return self.body_in("UTC")

    def body_in(self, zone: str) -> str:
        """Return the same with times as the clocks of a zone show them."""
        due = moment_words(self.due_at.isoformat(), zone)
        return f"Everybody who had got the wrong report of the run due at {due} has got the corrected one."


@dataclass(frozen=True, slots=True)
class ChangedByOther(OfSchedule):
    """Somebody else changed the schedule; `who` did it."""

    who: str

    @property
    def severity(self) -> str:
        """Return `info`: somebody has meant it so."""
        return "info"


@dataclass(frozen=True, slots=True)
class Paused(ChangedByOther):
    """Somebody else paused the schedule."""

    kind = Kind.SCHEDULE_PAUSED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was paused"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        return f"{self.who} paused it. Nothing is sent until it is resumed."


@dataclass(frozen=True, slots=True)
class Resumed(ChangedByOther):
    """Somebody else resumed the schedule."""

    kind = Kind.SCHEDULE_RESUMED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was resumed"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        return f"{self.who} resumed it. It runs again from its next due time."


@dataclass(frozen=True, slots=True)
class Deleted(ChangedByOther):
    """Somebody else deleted the schedule."""

    kind = Kind.SCHEDULE_DELETED

    @property
    def severity(self) -> str:
        """Return `warning`: it may have been a mistake, which can be undone for a short time only."""
        return "warning"

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was deleted"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        return f"{self.who} deleted it. Nothing is sent for it any more; its history stays."


@dataclass(frozen=True, slots=True)
class Restored(ChangedByOther):
    """Somebody else undid the deletion of the schedule; `suspended` says why it may not run, where it may not."""

    suspended: str

    kind = Kind.SCHEDULE_RESTORED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} is back"

    @property
    def body(self) -> str:
        """Return who did it, and how it stands."""
        if self.suspended:
            return f"{self.who} undid its deletion. It is suspended, since it may not run by now: {self.suspended}"
        return f"{self.who} undid its deletion. It stands as it did before."


@dataclass(frozen=True, slots=True)
class Changed(ChangedByOther):
    """Somebody else changed what the schedule says; `parts` names its fields that are others now."""

    parts: tuple[str, ...]

    kind = Kind.SCHEDULE_CHANGED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was changed"

    @property
    def body(self) -> str:
        """Return who did it, and which parts."""
        return f"{self.who} changed its {joined(self.parts)}."


def joined(parts: Sequence[str]) -> str:
    """Return the names of fields as words in a row. Pure."""
    names = [part.replace("_id", "").replace("_", " ") for part in parts]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
