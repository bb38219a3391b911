"""Define the events that users are told about. Each is a class that makes its own words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from mailroom.notifications.kinds import Kind, kind_of
from mailroom.states import ExecutionState
from prefect_mailroom.channels.email.texts.moments import moment_words


@dataclass(frozen=True, slots=True)
class Event(ABC):
    """An event that a user should know about."""

    user_id: str

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Return the kind, by which users choose what they are told."""

    @property
    def severity(self) -> str:
        """Return how bad it is: `info`, `warning` or `error`."""
        return "warning"

    @property
    def subject(self) -> str | None:
        """Return the name of what it is about if that is no schedule, such as of a connection."""
        return None

    @property
    @abstractmethod
    def title(self) -> str:
        """Return what happened, in a line."""

    @property
    @abstractmethod
    def body(self) -> str:
        """Return what happened, in sentences; times are in UTC."""

    def body_in(self, zone: str) -> str:
        """Return the same with times as the clocks of a zone show them. Whatever tells a time overrides this."""
        return self.body


@dataclass(frozen=True, slots=True)
class OfSchedule(Event):
    """An event that the owner of a schedule should know about."""

    schedule_id: str
    schedule_name: str


@dataclass(frozen=True, slots=True)
class OfExecution(OfSchedule):
    """An event of an execution that the owner of its schedule should know about."""

    execution_id: str


@dataclass(frozen=True, slots=True)
class OfIncident(Event):
    """An event of an incident.

    Attributes:
        incident_kind: the kind of the incident, as its word.
        about: the name of what it is about if that is no schedule, such as of a connection.
        schedule: the only schedule that it is about.
    """

    incident_id: str
    incident_kind: str
    about: str | None
    schedule: str | None

    @property
    def subject(self) -> str | None:
        """Return the name of what it is about if that is no schedule."""
        return self.about

    @property
    def kind(self) -> Kind:
        """Return the kind under the word of the incident's."""
        return kind_of(self.incident_kind)


@dataclass(frozen=True, slots=True)
class ExecutionFailed(OfExecution):
    """An execution ended, and not everything was delivered; `reason` says why.

    `unconfirmed` names every recipient whose delivery the far side has not confirmed.
    """

    state: ExecutionState
    reason: str
    unconfirmed: tuple[str, ...] = ()

    kind = Kind.SCHEDULE_FAILING

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
class DueTimesMissed(OfSchedule):
    """`count` due times from `first` to `last` were missed; `reason` is that of the last one."""

    count: int
    first: datetime
    last: datetime
    reason: str

    kind = Kind.OCCURRENCE_MISSED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name}: runs were missed"

    @property
    def body(self) -> str:
        """Return how many were missed, when and why."""
        return self.body_in("UTC")

    def body_in(self, zone: str) -> str:
        """Return the same with times as the clocks of a zone show them."""
        first, last = (moment_words(moment.isoformat(), zone) for moment in (self.first, self.last))
        if self.count == 1:
            return f"The run due at {first} was missed. {self.reason}"
        return f"{self.count} runs were missed, due from {first} to {last}. The reason for the last one: {self.reason}"


@dataclass(frozen=True, slots=True)
class SuspendedByReport(OfSchedule):
    """The schedule was suspended, since `who` saved a version of its report that it does not fit; `why` says where."""

    report_title: str
    who: str
    why: str

    kind = Kind.SCHEDULE_SUSPENDED

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
class PausedInPrefect(OfSchedule):
    """Somebody paused the schedule's deployment in Prefect; `who` where Prefect knows."""

    who: str

    kind = Kind.SCHEDULE_PAUSED

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
class ResumedInPrefect(OfSchedule):
    """Somebody resumed in Prefect what had been paused there."""

    kind = Kind.SCHEDULE_RESUMED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was resumed in Prefect"

    @property
    def body(self) -> str:
        """Return what follows."""
        return "The schedule runs again from its next due time."


@dataclass(frozen=True, slots=True)
class PausedWithoutRecipients(OfSchedule):
    """A schedule was paused, since its last recipient was taken off it."""

    kind = Kind.SCHEDULE_PAUSED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was paused"

    @property
    def body(self) -> str:
        """Return why, and what to do. It does not say who it was: whoever asks to be left out may want no trace."""
        return (
            "Its last recipient was taken off all schedules, so nobody would get it. Nothing is sent until the "
            "schedule has another recipient and is resumed."
        )


@dataclass(frozen=True, slots=True)
class KeyExpires(Event):
    """A key of the user ends soon; `prefix` is its first part."""

    name: str
    prefix: str
    at: datetime

    kind = Kind.CREDENTIAL_ENDING

    @property
    def title(self) -> str:
        """Return the key and what happens to it."""
        return f"The key {self.name} expires soon"

    @property
    def body(self) -> str:
        """Return when it ends, and what to do."""
        return self.body_in("UTC")

    def body_in(self, zone: str) -> str:
        """Return the same with times as the clocks of a zone show them."""
        return (
            f"The key {self.name} ({self.prefix}…) expires at {moment_words(self.at.isoformat(), zone)}. Make a new "
            "one, use it in place of this one, and revoke this one."
        )


@dataclass(frozen=True, slots=True)
class KeyIsOld(Event):
    """A key of the user was made `days` ago and is valid still; `prefix` is its first part."""

    name: str
    prefix: str
    days: int

    kind = Kind.CREDENTIAL_OLD

    @property
    def title(self) -> str:
        """Return the key and what is the matter with it."""
        return f"The key {self.name} is {self.days} days old"

    @property
    def body(self) -> str:
        """Return what to do."""
        return (
            f"The key {self.name} ({self.prefix}…) was made {self.days} days ago. The longer a key is in use, the more "
            "places know it. Make a new one, use it in place of this one, and revoke this one."
        )


@dataclass(frozen=True, slots=True)
class OwnerBarred(Event):
    """A user may own schedules no longer, so `count` schedules were suspended; admins are told. `email` is the user."""

    email: str
    count: int

    kind = Kind.OWNER_BARRED

    @property
    def title(self) -> str:
        """Return the user and what happened."""
        return f"Schedules of {self.email} were suspended"

    @property
    def body(self) -> str:
        """Return how many there are, and what to do."""
        one = self.count == 1
        return (
            f"{self.email} may own schedules no longer. {self.count} {'schedule was' if one else 'schedules were'} "
            "suspended: nothing is sent until somebody else owns them. Hand them over to "
            "somebody, then resume them."
        )


@dataclass(frozen=True, slots=True)
class SuspendedForOwner(OfSchedule):
    """A schedule was suspended, since its owner may own schedules no longer."""

    kind = Kind.SCHEDULE_SUSPENDED

    @property
    def title(self) -> str:
        """Return the schedule and what happened to it."""
        return f"{self.schedule_name} was suspended"

    @property
    def body(self) -> str:
        """Return why, and what follows."""
        return (
            "Its owner was disabled, or has a role that may not own schedules. Nothing is sent until an admin gives it "
            "to another owner, or the owner is enabled again, and somebody resumes it."
        )
