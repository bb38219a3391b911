"""Write the sample schedules and their history into the database, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from embedded.sample_history.plan import DAYS, Arrival, Past, Sample, history, samples
from mailroom.context import Context
from mailroom.executions.history import last_result
from mailroom.executions.history.progress import FileRecord, RenderingRecord
from mailroom.executions.reason_words import words
from mailroom.schedules import lifecycle
from mailroom.schedules import service as schedules
from mailroom.schedules.lifecycle import Cause
from mailroom.schedules.spec import read_spec
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Artifact, Attempt, Delivery, Execution, Schedule, Table, User
from mailroom.timing import occurrences

Rows = dict[type[Table], list[dict[str, Any]]]
_CAUSES = {ScheduleState.PAUSED: Cause.PAUSE, ScheduleState.SUSPENDED: Cause.FAILURES}
_MEDIA = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def write(session: AsyncSession, settings: Settings, owners: Mapping[str, User], *, now: datetime) -> list[str]:
    """Store every sample with its history, unless there are samples already. Return the ids of the new schedules.

    Args:
        owners: by the role that `plan.Sample.owner` names.
    """
    if (await session.scalars(select(Schedule.id).where(Schedule.is_sample).limit(1))).first():
        return []
    made, rows = [], _no_rows()
    for number, sample in enumerate(samples()):
        owner = owners[sample.owner]
        spec = read_spec(sample.body, timezone=owner.timezone)
        row = await schedules.create(session, spec, Context(owner, now, settings))
        begin = now - timedelta(days=DAYS)
        row.is_sample, row.created_at = True, begin
        if sample.state is not ScheduleState.ACTIVE:
            lifecycle.move(row, sample.state, _CAUSES[sample.state], now=now)
        due = list(occurrences(spec.timing, begin, until=now - timedelta(minutes=30)))
        past = list(history(sample, due, number))
        row.last_run = past[-1].due_at if past else None
        row.consecutive_failures = _failures(past)
        for one in past:
            _add(rows, row, sample, one, timedelta(days=settings.artifact_days))
        made.append(row.id)
    await session.flush()
    # Parents first: each table names only those before it.
    for table, values in rows.items():
        if values:
            await session.execute(insert(table), values)
    await last_result.refresh(session, made)
    return made


def _no_rows() -> Rows:
    return {Artifact: [], Execution: [], Delivery: [], Attempt: []}


def _failures(past: Sequence[Past]) -> int:
    """Count the failures in a row at the end. Pure."""
    count = 0
    for one in reversed(past):
        if one.status is not ExecutionState.FAILED:
            break
        count += 1
    return count


def _add(rows: Rows, schedule: Schedule, sample: Sample, past: Past, kept: timedelta) -> None:
    execution_id = new_id()

    def after(seconds: float) -> datetime:
        return past.due_at + timedelta(seconds=seconds)

    formats = sample.body["formats"] if past.arrivals else []
    files = [_file(schedule, kind, after(past.rendered), kept) for kind in formats]
    rows[Artifact] += files
    rows[Execution].append(
        {
            "id": execution_id,
            "schedule_id": schedule.id,
            "kind": ExecutionKind.SCHEDULED,
            "due_at": past.due_at,
            "status": past.status,
            "reason": words(past.reason),
            "reason_code": str(past.reason.code),
            "reason_values": dict(past.reason.values),
            "started_at": after(past.began) if past.status is not ExecutionState.MISSED else None,
            "completed_at": after(past.ended),
            "artifact_ids": [file["id"] for file in files],
            "rendering": _rendering(past, files),
            "pass_count": max((one.tries for one in past.arrivals), default=1),
            "created_at": past.due_at,
        }
    )
    for one in past.arrivals:
        _add_arrival(rows, execution_id, sample, past, one)


def _rendering(past: Past, files: list[dict[str, Any]]) -> dict[str, Any] | None:
    if past.status is ExecutionState.MISSED:
        return None
    began, ended = (past.due_at + timedelta(seconds=seconds) for seconds in (past.began + 0.1, past.rendered))
    made = tuple(FileRecord(format=file["format"], began_at=began, ended_at=ended, rows=file["rows"]) for file in files)
    return RenderingRecord(began_at=began, ended_at=ended, taken_up=True, files=made).stored()


def _file(schedule: Schedule, kind: str, made: datetime, kept: timedelta) -> dict[str, Any]:
    digest = hashlib.sha256(f"{schedule.name} {kind} {made}".encode()).hexdigest()
    return {
        "id": new_id(),
        "sha256": digest,
        "filename": f"{schedule.report_id}.{kind}",
        "format": kind,
        "media_type": _MEDIA[kind],
        "size": 20_000 + int(digest[:4], 16),
        "rows": None if kind == "pdf" else int(digest[:3], 16),
        "created_at": made,
        # As of a real run. Nothing was rendered, so the pages offer none of them.
        "expires_at": made + kept,
    }


def _add_arrival(rows: Rows, execution_id: str, sample: Sample, past: Past, one: Arrival) -> None:
    delivery_id, at = new_id(), past.due_at + timedelta(seconds=one.seconds)
    delivered = one.status == "delivered"
    receipt = {
        "reference": one.recipient,
        "detail": {"sample": True},
        "grade": "accepted",
        "confirmed_at": at.isoformat(),
    }
    rows[Delivery].append(
        {
            "id": delivery_id,
            "execution_id": execution_id,
            "position": one.position,
            "channel": one.channel,
            "connection": one.connection,
            "recipient": one.recipient,
            "key": hashlib.sha256(f"{execution_id} {one.position} {one.recipient}".encode()).hexdigest()[:32],
            "destination": sample.body["destinations"][one.position],
            "status": one.status,
            "attempts": one.tries,
            "delivered_at": at if delivered else None,
            "receipt": receipt if delivered else None,
            "error_message": one.error or None,
            "created_at": past.due_at + timedelta(seconds=past.rendered),
        }
    )
    begin, gap = past.due_at + timedelta(seconds=past.rendered), (one.seconds - past.rendered) / one.tries
    for number in range(1, one.tries + 1):
        last = number == one.tries
        rows[Attempt].append(
            {
                "id": new_id(),
                "delivery_id": delivery_id,
                "number": number,
                "started_at": begin + timedelta(seconds=gap * (number - 1)),
                "ended_at": at if last else begin + timedelta(seconds=gap * (number - 1) + 0.2),
                "outcome": one.status if last else "failed",
                "error_message": (one.error or None) if last else "421 4.3.2 try again later",
            }
        )
