"""Say the kinds of notifications in words. A test walks the enum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.notifications.kinds import Kind


@dataclass(frozen=True, slots=True)
class Words:
    """A kind in words: a name above the notification, and when it is told, for who chooses."""

    name: str
    when: str


KINDS: Mapping[Kind, Words] = {
    Kind.SCHEDULE_FAILING: Words("Failed", "A run does not reach everybody, and is not tried again"),
    Kind.OCCURRENCE_MISSED: Words("Missed", "A run was missed"),
    Kind.SCHEDULE_SUSPENDED: Words("Suspended", "A schedule is suspended"),
    Kind.SCHEDULE_RECOVERED: Words("Works again", "A schedule that had failed is delivered again"),
    Kind.CORRECTION_SENT: Words("Corrected", "The correction of a wrong report was sent"),
    Kind.SCHEDULE_PAUSED: Words("Paused", "Somebody else pauses my schedule"),
    Kind.SCHEDULE_RESUMED: Words("Resumed", "Somebody else resumes it"),
    Kind.SCHEDULE_CHANGED: Words("Changed", "Somebody else changes it"),
    Kind.SCHEDULE_DELETED: Words("Deleted", "Somebody else deletes it"),
    Kind.SCHEDULE_RESTORED: Words("Restored", "Somebody else brings it back"),
    Kind.SCHEDULE_REASSIGNED: Words("Handed over", "A schedule becomes mine, or somebody else's"),
    Kind.SCHEDULE_SHARED: Words("Shared", "A schedule is shared with me"),
    Kind.RECIPIENT_CHANGED: Words("Recipient", "A recipient wants no more mails, or wants them again"),
    Kind.CONNECTION_FAILING: Words("Connection", "A connection that my schedules use fails for many"),
    Kind.CONNECTION_DISABLED: Words("Connection", "It is disabled, and what goes through it waits"),
    Kind.CONNECTION_ENABLED: Words("Connection", "It is enabled again"),
    Kind.CREDENTIAL_ENDING: Words("Ends soon", "A key, a password or a certificate ends soon"),
    Kind.CREDENTIAL_OLD: Words("Old", "A key or a secret is old and should be changed"),
    Kind.OWNER_BARRED: Words("Owner", "Schedules are suspended, since their owner left"),
    Kind.SYNC_STUCK: Words("Prefect", "Changes do not reach Prefect"),
    Kind.PREFECT_SILENT: Words("Prefect", "Prefect does not answer"),
    Kind.WORKER_SILENT: Words("Worker", "No worker gives a sign"),
    Kind.LOOP_DEAD: Words("Mailroom", "A part of Mailroom that works in the background has stopped"),
    Kind.QUEUE_BEHIND: Words("Queue", "Runs wait too long before they begin"),
    Kind.DISK_LOW: Words("Disk", "The disk is nearly full"),
    Kind.TRAIL_CONTRADICTED: Words("Audit trail", "The audit trail does not fit its checkpoints"),
    Kind.CLOCK_WRONG: Words("Clock", "The clock of a host is wrong"),
    Kind.ARTIFACTS_WRONG: Words("Files", "A host does not have the rendered files of the others"),
    Kind.LEVEL_MISSED: Words("Service level", "A service level is missed"),
    Kind.DAILY_DIGEST: Words("Digest", "Each day: minor issues of the day before"),
    Kind.WEEKLY_SUMMARY: Words("Summary", "Each week: what was sent, what failed and what is coming"),
    Kind.OTHER: Words("Notice", "Everything else"),
}
GROUPS: Mapping[str, tuple[Kind, ...]] = {
    "My schedules": (
        Kind.SCHEDULE_FAILING,
        Kind.OCCURRENCE_MISSED,
        Kind.SCHEDULE_SUSPENDED,
        Kind.SCHEDULE_RECOVERED,
        Kind.CORRECTION_SENT,
        Kind.RECIPIENT_CHANGED,
        Kind.SCHEDULE_PAUSED,
        Kind.SCHEDULE_RESUMED,
        Kind.SCHEDULE_CHANGED,
        Kind.SCHEDULE_DELETED,
        Kind.SCHEDULE_RESTORED,
        Kind.SCHEDULE_REASSIGNED,
        Kind.SCHEDULE_SHARED,
    ),
    "Connections and keys": (
        Kind.CONNECTION_FAILING,
        Kind.CONNECTION_DISABLED,
        Kind.CONNECTION_ENABLED,
        Kind.CREDENTIAL_ENDING,
        Kind.CREDENTIAL_OLD,
    ),
    "Mails at set times": (Kind.DAILY_DIGEST, Kind.WEEKLY_SUMMARY),
    "Mailroom itself": (
        Kind.PREFECT_SILENT,
        Kind.WORKER_SILENT,
        Kind.LOOP_DEAD,
        Kind.SYNC_STUCK,
        Kind.QUEUE_BEHIND,
        Kind.DISK_LOW,
        Kind.CLOCK_WRONG,
        Kind.ARTIFACTS_WRONG,
        Kind.LEVEL_MISSED,
        Kind.TRAIL_CONTRADICTED,
        Kind.OWNER_BARRED,
    ),
}
"""The kinds that people choose, in the order in which they are shown; a test holds that none is forgotten."""
