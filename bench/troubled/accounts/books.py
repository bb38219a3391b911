"""Read the rows that are counted: scheduled executions with their deliveries, samples left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.peak.backends import Backend
from bench.troubled.evidence import moment

_SAMPLES = "SELECT id FROM export_schedules WHERE is_sample"
_EXECUTIONS = """SELECT id, schedule_id, kind, status, due_at, completed_at, pass_count,
render_failures + crash_count + error_count, retry_requested_at FROM schedule_executions"""
_DELIVERIES = "SELECT id, execution_id, channel, status, delivered_at FROM deliveries"
_ATTEMPTS = "SELECT delivery_id, outcome FROM attempts"
_SCHEDULES = "SELECT state, count(*) FROM export_schedules WHERE NOT is_sample GROUP BY state"
_INCIDENTS = """SELECT severity, count(*) FROM incidents
WHERE resolved_at IS NULL AND merged_into IS NULL GROUP BY severity"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery, with the outcomes of its attempts."""

    channel: str
    status: str
    delivered_at: datetime | None
    attempts: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Run:
    """A scheduled execution. `faults` are what failed in its passes besides deliveries."""

    status: str
    due_at: datetime
    completed_at: datetime | None
    passes: int
    faults: int
    by_person: bool
    deliveries: Sequence[Sent]


@dataclass(frozen=True, slots=True)
class Books:
    """Hold what is in the tables at one moment."""

    runs: Sequence[Run]
    schedules: Mapping[str, int]
    incidents: Mapping[str, int]


def read(backend: Backend) -> Books:
    """Read the tables by plain SQL."""
    samples = {row[0] for row in backend.rows(_SAMPLES)}
    attempts = _grouped(backend.rows(_ATTEMPTS))
    deliveries = _grouped(
        (execution_id, Sent(channel, status, moment(delivered_at), attempts.get(delivery_id, [])))
        for delivery_id, execution_id, channel, status, delivered_at in backend.rows(_DELIVERIES)
    )
    runs = [
        Run(status, _must(due_at), moment(completed_at), passes, faults, asked is not None, deliveries.get(row_id, []))
        for row_id, schedule_id, kind, status, due_at, completed_at, passes, faults, asked in backend.rows(_EXECUTIONS)
        if kind == "scheduled" and schedule_id not in samples
    ]
    return Books(runs, dict(backend.rows(_SCHEDULES)), dict(backend.rows(_INCIDENTS)))


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return found


def _must(value: str | datetime) -> datetime:
    found = moment(value)
    assert found is not None, "the column is never null"
    return found
