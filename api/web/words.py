"""Say states in words, with an icon and a tone. The one table of them; a test walks the enums."""

from __future__ import annotations

from collections.abc import Mapping

from api.web.parts import Chip
from mailroom.incidents.spec import Severity
from mailroom.roles import Role, Scope
from mailroom.states import BreakerState, DeliveryState, ExecutionKind, ExecutionState, ScheduleState, SyncState
from mailroom.watching.checks.spec import State

SCHEDULES: Mapping[ScheduleState, Chip] = {
    ScheduleState.ACTIVE: Chip("Active", "circle-play", "ok"),
    ScheduleState.PAUSED: Chip("Paused", "circle-pause", "off"),
    ScheduleState.SUSPENDED: Chip("Suspended", "ban", "bad"),
    ScheduleState.FINISHED: Chip("Finished", "check", "off"),
    ScheduleState.DELETED: Chip("Deleted", "trash-2", "off"),
}
FAILING = Chip("Failing", "triangle-alert", "warn")
DRAFT = Chip("Draft", "circle-dashed", "off")
SAMPLE = Chip("Sample", "flask-conical", "off")
EXECUTIONS: Mapping[ExecutionState, Chip] = {
    ExecutionState.PENDING: Chip("Waiting", "clock", "off"),
    ExecutionState.RUNNING: Chip("Running", "loader", "run"),
    ExecutionState.RETRYING: Chip("Trying again", "rotate-cw", "wait"),
    ExecutionState.SUCCESS: Chip("Delivered", "circle-check", "ok"),
    ExecutionState.PARTIAL: Chip("Partly delivered", "circle-alert", "warn"),
    ExecutionState.FAILED: Chip("Not delivered", "circle-x", "bad"),
    ExecutionState.MISSED: Chip("Missed", "clock-alert", "bad"),
    ExecutionState.SKIPPED: Chip("Skipped", "skip-forward", "off"),
    ExecutionState.CANCELLED: Chip("Cancelled", "circle-slash", "off"),
}
DELIVERIES: Mapping[DeliveryState, Chip] = {
    DeliveryState.PENDING: Chip("Waiting", "clock", "off"),
    DeliveryState.SENDING: Chip("Sending", "send", "run"),
    DeliveryState.DELIVERED: Chip("Delivered", "circle-check", "ok"),
    DeliveryState.UNKNOWN: Chip("Not confirmed", "circle-question-mark", "wait"),
    DeliveryState.REFUSED: Chip("Refused", "ban", "bad"),
    DeliveryState.FAILED: Chip("Failed", "circle-x", "bad"),
    DeliveryState.SUPPRESSED: Chip("Not allowed to send", "circle-minus", "off"),
}
TRIES_AGAIN = Chip("Trying again", "rotate-cw", "wait")
SYNC: Mapping[SyncState, Chip | None] = {
    SyncState.SYNCED: None,
    SyncState.PENDING: Chip("Not in Prefect yet", "refresh-cw", "wait"),
    SyncState.ERROR: Chip("Prefect refuses it", "triangle-alert", "bad"),
}
BREAKERS: Mapping[BreakerState, Chip] = {
    BreakerState.CLOSED: Chip("Works", "circle-check", "ok"),
    BreakerState.OPEN: Chip("Broken", "circle-x", "bad"),
    BreakerState.HALF_OPEN: Chip("Being tried", "rotate-cw", "wait"),
    BreakerState.DISABLED: Chip("Disabled", "ban", "bad"),
}
CHECKS: Mapping[State, Chip] = {
    State.OK: Chip("Works", "circle-check", "ok"),
    State.WARNING: Chip("Works with limits", "triangle-alert", "warn"),
    State.PROBLEM: Chip("Does not work", "circle-x", "bad"),
    State.UNKNOWN: Chip("Not known", "circle-question-mark", "off"),
}
SEVERITIES: Mapping[Severity, Chip] = {
    Severity.WARNING: Chip("Warning", "triangle-alert", "warn"),
    Severity.ERROR: Chip("Error", "circle-x", "bad"),
    Severity.CRITICAL: Chip("Critical", "zap", "bad"),
}
KINDS: Mapping[ExecutionKind, str] = {
    ExecutionKind.SCHEDULED: "On schedule",
    ExecutionKind.TEST: "Test",
    ExecutionKind.RUN_NOW: "Run now",
    ExecutionKind.BACKFILL: "Backfill",
    ExecutionKind.CORRECTION: "Correction",
}
ROLES: Mapping[Role, str] = {Role.VIEWER: "Viewer", Role.CREATOR: "Creator", Role.ADMIN: "Admin"}
SCOPES: Mapping[Scope, str] = {Scope.READ: "Read", Scope.WRITE: "Read and change", Scope.ADMIN: "Everything"}
CHANNELS: Mapping[str, tuple[str, str]] = {
    "email": ("E-mail", "mail"),
    "sftp": ("SFTP", "server"),
    "ftp": ("FTP", "server"),
    "s3": ("S3", "cloud"),
    "azure": ("Azure Blob Storage", "cloud"),
    "gcs": ("Google Cloud Storage", "cloud"),
    "webhook": ("Webhook", "webhook"),
    "folder": ("Folder", "folder"),
    "command": ("Program", "square-terminal"),
    "sql": ("Database", "database"),
    "http": ("Web source", "globe"),
    "shell": ("Shell source", "square-terminal"),
}
"""The name and the icon of each kind of connection; `kind_words` knows what to say of one that is not here."""
PLACES: Mapping[str, tuple[str, str]] = {
    "folder": ("folder", "folders"),
    "sftp": ("SFTP server", "SFTP servers"),
    "ftp": ("FTP server", "FTP servers"),
    "s3": ("S3 bucket", "S3 buckets"),
    "azure": ("Azure container", "Azure containers"),
    "gcs": ("Google Cloud bucket", "Google Cloud buckets"),
    "webhook": ("webhook", "webhooks"),
    "command": ("program", "programs"),
}
"""Name a destination that is no person, one and several; `places` counts one that is not here too."""


def schedule_chip(
    state: ScheduleState, last: ExecutionState | None = None, *, failures: int = 0, draft: bool = False
) -> Chip:
    """Return the chip of a schedule; an active one whose last run failed, was missed or came only partly is failing."""
    if draft:
        return DRAFT
    if state is ScheduleState.ACTIVE and last in {
        ExecutionState.FAILED,
        ExecutionState.PARTIAL,
        ExecutionState.MISSED,
    }:
        return FAILING
    if state is ScheduleState.SUSPENDED and failures:
        return Chip(f"Suspended after {failures} failure{'' if failures == 1 else 's'}", "ban", "bad")
    return SCHEDULES[state]


def execution_chip(state: ExecutionState, *, delivered: int = 0, total: int = 0, again_at: str = "") -> Chip:
    """Return the chip of an execution; `again_at` is the time of the next try in words."""
    chip = EXECUTIONS[state]
    if state is ExecutionState.PARTIAL and total:
        return Chip(f"{chip.words}, {delivered} of {total}", chip.icon, chip.tone)
    if state is ExecutionState.RETRYING and again_at:
        return Chip(f"{chip.words} at {again_at}", chip.icon, chip.tone)
    return chip


def delivery_chip(state: DeliveryState, *, again: bool = False) -> Chip:
    """Return the chip of a delivery; `again` tells whether a failed one is tried again."""
    return TRIES_AGAIN if state is DeliveryState.FAILED and again else DELIVERIES[state]


def kind_words(kind: str) -> str:
    """Return the name of a kind of connection."""
    return CHANNELS.get(kind, (kind.capitalize(), ""))[0]


def kind_icon(kind: str) -> str:
    """Return the icon of a kind of connection."""
    return CHANNELS.get(kind, ("", "plug"))[1]


def places(kind: str, number: int) -> str:
    """Return how many destinations of a kind, such as "2 SFTP servers"."""
    one, many = PLACES.get(kind, (f"{kind_words(kind)} place", f"{kind_words(kind)} places"))
    return count(number, one, many)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, such as "1 person" or "12 people"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
