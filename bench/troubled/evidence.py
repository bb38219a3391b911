"""Read the evidence of the checker: the schedules as posted, rows of the ledger's tables, the mail server's journal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.peak.backends import Backend


@dataclass(frozen=True, slots=True)
class Posted:
    """A schedule as it was posted, its id as it was answered, and when.

    `recipients` has its mail addresses, then its file, its object and the name of its webhook.
    """

    schedule_id: str
    timing: Mapping[str, Any]
    recipients: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """A row of `schedule_executions`."""

    id: str
    schedule_id: str
    kind: str
    due_at: datetime
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A row of `deliveries`."""

    id: str
    execution_id: str
    recipient: str
    status: str
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A row of `attempts`."""

    delivery_id: str
    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows that belong to the posted schedules."""

    executions: Sequence[ExecutionRow]
    deliveries: Sequence[DeliveryRow]
    attempts: Sequence[AttemptRow]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A far side took a mail, a file or a request; `cut` means that its answer never left."""

    at: datetime
    recipient: str
    message_id: str
    cut: bool


_EXECUTIONS = "SELECT id, schedule_id, kind, due_at, status, reason FROM schedule_executions"
_DELIVERIES = "SELECT id, execution_id, channel, recipient, status, next_attempt_at FROM deliveries"
_ATTEMPTS = "SELECT delivery_id, number, started_at, ended_at, outcome FROM attempts"
_DUE = """SELECT count(*) FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
WHERE s.name LIKE 'troubled %' AND (e.status = 'running' OR (e.status = 'pending' AND e.due_at <= {now})
OR (e.status = 'retrying' AND (e.next_pass_at IS NULL OR e.next_pass_at <= {now})))"""


def read_ledger(backend: Backend, posted: Iterable[Posted]) -> Ledger:
    """Read the tables by plain SQL."""
    wanted = {one.schedule_id: one for one in posted}
    executions = [
        ExecutionRow(row_id, schedule_id, kind, _must(due_at), status, reason)
        for row_id, schedule_id, kind, due_at, status, reason in backend.rows(_EXECUTIONS)
        if schedule_id in wanted
    ]
    of = {row.id: wanted[row.schedule_id] for row in executions}
    deliveries = [
        # The ledger calls an endpoint by its connection, which all schedules share.
        DeliveryRow(
            delivery_id,
            execution_id,
            of[execution_id].recipients[-1] if channel == "webhook" else recipient,
            status,
            moment(next_attempt_at),
        )
        for delivery_id, execution_id, channel, recipient, status, next_attempt_at in backend.rows(_DELIVERIES)
        if execution_id in of
    ]
    ids = {row.id for row in deliveries}
    attempts = [
        AttemptRow(delivery_id, number, _must(started_at), moment(ended_at), outcome)
        for delivery_id, number, started_at, ended_at, outcome in backend.rows(_ATTEMPTS)
        if delivery_id in ids
    ]
    return Ledger(executions, deliveries, attempts)


def due_now(backend: Backend, now: datetime) -> int:
    """Return how many executions are due and not through, those left out that wait for a planned retry."""
    zone = "+00" if backend.postgres else ""  # SQLite has the times as text in UTC.
    return backend.count(_DUE.format(now=f"'{now.astimezone(UTC):%Y-%m-%d %H:%M:%S}{zone}'"))


def moment(value: str | datetime | None) -> datetime | None:
    """Return a time of the database as an aware one; SQLite has it as text in UTC. Pure."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _must(value: str | datetime) -> datetime:
    found = moment(value)
    assert found is not None, "the column is never null"
    return found


def read_journal(journal: Path) -> list[Acceptance]:
    """Return what the far sides took, in order."""
    return [
        Acceptance(datetime.fromtimestamp(line["at"], UTC), line["recipient"], line["message_id"], line["cut"])
        for line in map(json.loads, journal.read_text().splitlines())
        if line["event"] == "accepted"
    ]
