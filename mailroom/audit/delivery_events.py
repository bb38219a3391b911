"""Define the events of the audit trail about what leaves, who reads it, who is refused, and the use of credentials.

Those of an execution are kept at the execution, so that whoever sees its schedule sees them.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.audit.events import Event


class _OfExecution(Event):
    __slots__ = ()
    entity_type = "execution"


@dataclass(frozen=True, slots=True)
class DeliverySent(_OfExecution):
    """An attempt of a delivery has ended; `outcome` is the state that it came to, such as `delivered`."""

    action = "sent"
    schedule: str
    delivery: str
    attempt: int
    channel: str
    connection: str
    recipient: str
    outcome: str


@dataclass(frozen=True, slots=True)
class DeliverySuppressed(_OfExecution):
    """A delivery was not sent, since the right to send had gone; `reason` is its code."""

    action = "suppressed"
    schedule: str
    delivery: str
    connection: str
    recipient: str
    reason: str


@dataclass(frozen=True, slots=True)
class AttemptsBrokenOff(_OfExecution):
    """The process that made attempts has died: whether these deliveries left is unknown."""

    action = "broken_off"
    deliveries: list[str]


@dataclass(frozen=True, slots=True)
class CredentialUsed(Event):
    """The secrets of a connection were used.

    `purpose` says for what: delivery, links, rendering, preview, picture, check, choices, test, or reach where only a
    login was tried. `what` is the execution, report or user that it was for.
    """

    entity_type = "connection"
    action = "used"
    purpose: str
    what: str


@dataclass(frozen=True, slots=True)
class FileDownloaded(Event):
    """A rendered file was downloaded."""

    entity_type = "artifact"
    action = "downloaded"
    filename: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FileFetched(_OfExecution):
    """A file was fetched by the link of a `delivery`, without a log-in; `recipient` is whom the link was sent to."""

    action = "fetched"
    schedule: str
    delivery: str
    recipient: str
    filename: str
    sha256: str
    agent: str


@dataclass(frozen=True, slots=True)
class ReportPreviewed(Event):
    """A report was shown with its data as they are."""

    entity_type = "report"
    action = "previewed"
    version: str


@dataclass(frozen=True, slots=True)
class AccessRefused(Event):
    """A request was refused: the caller may not do it (403), or may not see the thing, or there is none (404).

    `permission` is the row of the permission table that the route asks for.
    """

    entity_type = "access"
    action = "refused"
    permission: str
    status: int
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class TrailTrimmed(Event):
    """Entries up to the place `until` of the chain may be removed: they are older than is kept, and were signed for."""

    entity_type = "audit"
    action = "trimmed"
    until: int


@dataclass(frozen=True, slots=True)
class CheckpointsSetAside(Event):
    """A person set the checkpoints aside, which the trail contradicts, such as after a backup was restored.

    `position` and `hash` are of the last of them; `file` is where they are now.
    """

    entity_type = "audit"
    action = "checkpoints_set_aside"
    reason: str
    file: str
    position: int
    hash: str


@dataclass(frozen=True, slots=True)
class BlocksReencrypted(Event):
    """The key of Prefect's blocks was changed. `old` and `new` are fingerprints of the keys, `blocks` counts them."""

    entity_type = "secret"
    action = "rotated"
    old: str
    new: str
    blocks: int


@dataclass(frozen=True, slots=True)
class BackupMade(Event):
    """A backup was made of both databases (`bytes` of them) and of so many rendered `files`; its id is its instant."""

    entity_type = "backup"
    action = "made"
    folder: str
    bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class BackupRestored(Event):
    """A backup was put in the place of both databases, or of `part` alone. It is noted in the ledger of then."""

    entity_type = "backup"
    action = "restored"
    folder: str
    part: str
