"""Define the events of the audit trail. Each is a class whose fields are its detail.

An event that starts with `Schedule` happened to a schedule, and so on. What it holds is JSON-ready and holds no secret.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the thing `entity_id`."""

    entity_type: ClassVar[str]
    action: ClassVar[str]
    entity_id: str

    def detail(self) -> dict[str, Any]:
        """Return what is kept besides who, when and to what: the event's own fields."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "entity_id"}


class _OfSchedule(Event):
    __slots__ = ()
    entity_type = "schedule"


@dataclass(frozen=True, slots=True)
class ScheduleCreated(_OfSchedule):
    """A new schedule was stored."""

    action = "created"
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ScheduleChanged(_OfSchedule):
    """A schedule was replaced; `changes` has before and after of each part that differs."""

    action = "changed"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class SchedulePaused(_OfSchedule):
    """A person paused the schedule, in Mailroom or in Prefect."""

    action = "paused"
    was: str


@dataclass(frozen=True, slots=True)
class ScheduleResumed(_OfSchedule):
    """A person resumed the schedule, in Mailroom or in Prefect."""

    action = "resumed"
    was: str


@dataclass(frozen=True, slots=True)
class ScheduleDeleted(_OfSchedule):
    """A person deleted the schedule."""

    action = "deleted"
    was: str


@dataclass(frozen=True, slots=True)
class ScheduleUndeleted(_OfSchedule):
    """A person undid the deletion, and the schedule has this state again; `faults` says why one is suspended."""

    action = "undeleted"
    state: str
    faults: list[str]


@dataclass(frozen=True, slots=True)
class ScheduleSuspended(_OfSchedule):
    """Mailroom suspended the schedule after several failures in a row."""

    action = "suspended"
    consecutive_failures: int


@dataclass(frozen=True, slots=True)
class ScheduleSuspendedByReport(_OfSchedule):
    """The schedule was suspended, since it does not fit a new version of its report; `faults` says why."""

    action = "suspended"
    report: str
    version: str
    faults: list[str]


@dataclass(frozen=True, slots=True)
class ScheduleFinished(_OfSchedule):
    """The schedule has no due time left, and its last occurrence ended without a run."""

    action = "finished"


@dataclass(frozen=True, slots=True)
class ScheduleTested(_OfSchedule):
    """A person asked for a test."""

    action = "test"
    execution: str


@dataclass(frozen=True, slots=True)
class ScheduleRunNow(_OfSchedule):
    """A person asked for a run now."""

    action = "run_now"
    execution: str


@dataclass(frozen=True, slots=True)
class ScheduleBackfilled(_OfSchedule):
    """A person asked for the past due times from `since` to `until`."""

    action = "backfill"
    since: datetime
    until: datetime
    again: bool
    count: int

    def detail(self) -> dict[str, Any]:
        """Return the range as it was asked for, and how many executions it made."""
        return {
            "from": self.since.isoformat(),
            "until": self.until.isoformat(),
            "again": self.again,
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class ScheduleCalendarChanged(_OfSchedule):
    """The business calendar of the schedule was changed."""

    action = "calendar_changed"
    calendar: str


@dataclass(frozen=True, slots=True)
class ScheduleDriftRepaired(_OfSchedule):
    """A change by hand to the schedule's deployment in Prefect was undone; `repairs` has the details."""

    action = "drift repaired"
    repairs: dict[str, Any]

    def detail(self) -> dict[str, Any]:
        """Return the repairs themselves."""
        return self.repairs


class _OfCalendar(Event):
    __slots__ = ()
    entity_type = "calendar"


@dataclass(frozen=True, slots=True)
class CalendarCreated(_OfCalendar):
    """A new business calendar was stored."""

    action = "created"
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarChanged(_OfCalendar):
    """A business calendar was replaced; `schedules` counts those that are on it."""

    action = "changed"
    changes: dict[str, list[Any]]
    schedules: int


@dataclass(frozen=True, slots=True)
class CalendarDeleted(_OfCalendar):
    """A business calendar was removed."""

    action = "deleted"
    title: str


class _OfConnection(Event):
    __slots__ = ()
    entity_type = "connection"


@dataclass(frozen=True, slots=True)
class ConnectionCreated(_OfConnection):
    """A new connection was stored; `fields` names its settings, never their values."""

    action = "created"
    kind: str
    fields: list[str]


@dataclass(frozen=True, slots=True)
class ConnectionChanged(_OfConnection):
    """A connection got new settings: `fields` names them, `changes` has before and after of those that are no secrets.

    A secret is only named, whether it is another one or not.
    """

    action = "changed"
    kind: str
    fields: list[str]
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class ConnectionDeleted(_OfConnection):
    """A connection was removed."""

    action = "deleted"
    kind: str
    fields: list[str]


@dataclass(frozen=True, slots=True)
class ConnectionTested(_OfConnection):
    """A test was sent through a connection; `outcome` is `delivered`, or the error that kept it from that.

    `kind` and `host` say where it led if the connection is not stored.
    """

    action = "tested"
    recipient: str
    outcome: str
    kind: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionChecked(_OfConnection):
    """A connection was checked, without a delivery; `outcome` is `ok`, or the error of the step that failed.

    `host` says where it led if the connection is not stored.
    """

    action = "checked"
    kind: str
    host: str
    outcome: str


class _OfReport(Event):
    __slots__ = ()
    entity_type = "report"


@dataclass(frozen=True, slots=True)
class ReportCreated(_OfReport):
    """A new report was stored; `changes` has its parts, see `ReportUpdated`."""

    action = "created"
    version: str
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class ReportUpdated(_OfReport):
    """A report got a new version; `changes` has before and after of each part that differs, long ones as digests."""

    action = "updated"
    version: str
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class ReportDeleted(_OfReport):
    """A report was taken away from users."""

    action = "deleted"
    version: str


@dataclass(frozen=True, slots=True)
class IdentitySent(_OfReport):
    """The report's source, read through `connection`, is told for which user the report is made."""

    action = "identity_sent"
    connection: str


@dataclass(frozen=True, slots=True)
class ExecutionRetried(Event):
    """A person asked for another try of an execution that has ended with something undelivered."""

    entity_type = "execution"
    action = "retry"
    schedule: str
    was: str
    undelivered: int


@dataclass(frozen=True, slots=True)
class ExecutionCorrected(Event):
    """A person had a wrong execution corrected, by the execution `correction`; it goes to so many `recipients`."""

    entity_type = "execution"
    action = "corrected"
    schedule: str
    correction: str
    recipients: int
    reason: str | None


class _OfStop(Event):
    __slots__ = ()
    entity_type = "stop"


@dataclass(frozen=True, slots=True)
class StopBegun(_OfStop):
    """A person stopped everything or a part of it from leaving, or Mailroom did after its database was restored."""

    action = "stopped"
    scope: str
    target: str
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class StopEnded(_OfStop):
    """A person resumed what was stopped; `what_was_due` is what became of what was due before a restoration."""

    action = "resumed"
    scope: str
    target: str
    what_was_due: str | None


@dataclass(frozen=True, slots=True)
class CodeApplied(Event):
    """Documents of a bundle were applied; `counts` says what became of them, `source` where they came from."""

    entity_type = "bundle"
    action = "applied"
    source: str
    counts: dict[str, int]
