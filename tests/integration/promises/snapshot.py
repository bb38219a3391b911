"""Snapshots of an environment's whole ledger, read beside the code that writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState, SyncState


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    id: str
    user_id: str
    name: str
    timing: str
    state: ScheduleState
    generation: int
    observed: int
    sync: SyncState
    deployment_id: str | None


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    id: str
    schedule_id: str
    kind: ExecutionKind
    due_at: datetime
    status: ExecutionState
    reason: str
    reason_code: str | None
    flow_run_id: str | None
    next_pass_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    key: str
    execution_id: str
    recipient: str
    status: DeliveryState


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The ledger at one moment, by id; `counts` are the rows of each table that a change of a schedule writes to."""

    schedules: dict[str, ScheduleRow]
    executions: dict[str, ExecutionRow]
    deliveries: dict[str, DeliveryRow]
    owners: dict[str, bool]
    counts: dict[str, int]

    def of(self, schedule_id: str) -> Iterator[ExecutionRow]:
        return (row for row in self.executions.values() if row.schedule_id == schedule_id)


EMPTY = Snapshot({}, {}, {}, {}, {})
_TABLES = ("export_schedules", "schedule_executions", "schedule_keys", "deliveries", "notifications", "audit_events")


def instant(text: str) -> datetime:
    """Return a moment that SQLite keeps as text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Reader:
    """Reads snapshots of one database."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)

    def close(self) -> None:
        self._connection.close()

    def rows(self, query: str, *values: Any) -> list[Any]:
        with closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()

    def read(self) -> Snapshot:
        schedules = self.rows(
            "SELECT id, user_id, name, schedule_config, state, generation, observed_generation, sync_state, "
            "deployment_id FROM export_schedules ORDER BY created_at, id"
        )
        executions = self.rows(
            "SELECT id, schedule_id, kind, due_at, status, reason, reason_code, flow_run_id, next_pass_at "
            "FROM schedule_executions ORDER BY due_at, id"
        )
        deliveries = self.rows("SELECT key, execution_id, recipient, status FROM deliveries")
        owners = self.rows("SELECT id, is_active FROM users")
        counts = self.rows(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in _TABLES))
        return Snapshot(
            schedules={
                r[0]: ScheduleRow(r[0], r[1], r[2], r[3], ScheduleState(r[4]), r[5], r[6], SyncState(r[7]), r[8])
                for r in schedules
            },
            executions={
                r[0]: ExecutionRow(
                    r[0],
                    r[1],
                    ExecutionKind(r[2]),
                    instant(r[3]),
                    ExecutionState(r[4]),
                    r[5],
                    r[6],
                    r[7],
                    instant(r[8]) if r[8] else None,
                )
                for r in executions
            },
            deliveries={r[0]: DeliveryRow(r[0], r[1], r[2], DeliveryState(r[3])) for r in deliveries},
            owners={r[0]: bool(r[1]) for r in owners},
            counts=dict(counts),
        )
