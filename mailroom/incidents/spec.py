"""Say what can be wrong, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mailroom.notifications.kinds import Kind


class IncidentKind(StrEnum):
    """Everything that can be wrong, under the word by which people are told of it."""

    SCHEDULE_FAILING = Kind.SCHEDULE_FAILING.value
    OCCURRENCE_MISSED = Kind.OCCURRENCE_MISSED.value
    SCHEDULE_SUSPENDED = Kind.SCHEDULE_SUSPENDED.value
    CONNECTION_FAILING = Kind.CONNECTION_FAILING.value
    SYNC_STUCK = Kind.SYNC_STUCK.value
    PREFECT_SILENT = Kind.PREFECT_SILENT.value
    WORKER_SILENT = Kind.WORKER_SILENT.value
    LOOP_DEAD = Kind.LOOP_DEAD.value
    QUEUE_BEHIND = Kind.QUEUE_BEHIND.value
    DISK_LOW = Kind.DISK_LOW.value
    CREDENTIAL_ENDING = Kind.CREDENTIAL_ENDING.value
    TRAIL_CONTRADICTED = Kind.TRAIL_CONTRADICTED.value
    LEVEL_MISSED = Kind.LEVEL_MISSED.value
    CLOCK_WRONG = Kind.CLOCK_WRONG.value
    ARTIFACTS_WRONG = Kind.ARTIFACTS_WRONG.value


class Severity(StrEnum):
    """Say how bad it is. Warnings wait for the daily digest, errors are told at once, critical ones wake people."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Level(StrEnum):
    """Say whom an incident has reached: its owner first, then the owner's team, then the operators."""

    OWNER = "owner"
    TEAM = "team"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong at this moment, as it was found.

    `subject` is the id of what it is about: of a schedule, or the name of a connection, loop or secret; with `kind` it
    says which incident this is. `values` hold what its words need, `owner_id` the user whom it concerns (None: the
    operators), and `schedule_ids` the schedules that it covers, whose own troubles are not told beside it.
    """

    kind: IncidentKind
    subject: str
    severity: Severity = Severity.ERROR
    values: Mapping[str, Any] = field(default_factory=dict)
    owner_id: str | None = None
    schedule_ids: frozenset[str] = frozenset()


class Stage(StrEnum):
    """Name what is told of an incident: that it opened, that it has reached more people, or that it is over."""

    OPENED = "opened"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to be told of an incident to the people of one level, once.

    Attributes:
        owner_ids: the users whom it concerns: its owner, or the owners of the schedules that it covers. `level` owner
            means these, team the members of their teams, and operator everybody who looks after the installation.
        schedule_ids: the schedules that it is about or covers.
        values: what its words need, see `words`.
        seen_at: when the trouble was seen last.
    """

    incident_id: str
    kind: IncidentKind
    subject: str
    severity: Severity
    stage: Stage
    level: Level
    values: Mapping[str, Any]
    owner_ids: tuple[str, ...]
    schedule_ids: tuple[str, ...]
    opened_at: datetime
    seen_at: datetime
    resolved_at: datetime | None = None
