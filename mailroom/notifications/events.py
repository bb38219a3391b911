"""Define the events that the owner of a schedule is told about. Each is a class that makes its own words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime

from mailroom.states import ExecutionState


@dataclass(frozen=True, slots=True)
class Event(ABC):
    """An event that the owner of a schedule should know about."""

    user_id: str
    schedule_id: str
    schedule_name: str

    @property
    def severity(self) -> str:
        """Return how bad it is: `warning` or `error`."""
        return "warning"

    @property
    @abstractmethod
    def title(self) -> str:
        """Return what happened, in a line."""

    @property
    @abstractmethod
    def body(self) -> str:
        """Return what happened, in sentences."""


@dataclass(frozen=True, slots=True)
class ExecutionFailed(Event):
    """An execution ended, and not everything was delivered; `reason` says why.

    `unconfirmed` names every recipient whose delivery the far side has not confirmed.
    """

    execution_id: str
    state: ExecutionState
    reason: str
    unconfirmed: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        """Return `error` where nothing was delivered."""
        return "error" if self.state is ExecutionState.FAILED else "warning"

    @property
    def title(self) -> str:
        """Return the schedule and how its execution ended."""
        return f"{self.schedule_name}: {self.state}"

    @property
    def body(self) -> str:
        """Return the reason, and every recipient who may be without it."""
        if not self.unconfirmed:
            return self.reason
        return f"{self.reason} Not confirmed: {', '.join(self.unconfirmed)}."


@dataclass(frozen=True, slots=True)
class DueTimesMissed(Event):
    """`count` due times from `first` to `last` were missed; `reason` is that of the last one."""

    count: int
    first: datetime
    last: datetime
    reason: str

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name}: runs were missed"

    @property
    def body(self) -> str:
        """Return how many were missed, when and why."""
        first, last = (f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for moment in (self.first, self.last))
        if self.count == 1:
            return f"The run due at {first} was missed. {self.reason}"
        return f"{self.count} runs were missed, due from {first} to {last}. The reason for the last one: {self.reason}"


@dataclass(frozen=True, slots=True)
class SuspendedByReport(Event):
    """The schedule was suspended, since `who` saved a version of its report that it does not fit; `why` says where."""

    report_title: str
    who: str
    why: str

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was suspended"

    @property
    def body(self) -> str:
        """Return who did it, what does not fit, and what to do."""
        return (
            f"A new version of the report '{self.report_title}' was saved ({self.who}), and this schedule does not "
            f"fit it: {self.why} Nothing is sent until the schedule is changed and resumed."
        )


@dataclass(frozen=True, slots=True)
class PausedInPrefect(Event):
    """Somebody paused the schedule's deployment in Prefect; `who` where Prefect knows."""

    who: str

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was paused in Prefect"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        by = f" by {self.who}" if self.who else ""
        return (
            f"Somebody paused its deployment in Prefect{by}. Nothing is sent until it is resumed, in "
            "Mailroom or in Prefect."
        )


@dataclass(frozen=True, slots=True)
class ResumedInPrefect(Event):
    """Somebody resumed in Prefect what had been paused there."""

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was resumed in Prefect"

    @property
    def body(self) -> str:
        """Return what follows."""
        return "The schedule runs again from its next due time."
