"""The life of an execution: the only place where one is made and where its state changes.

Each change asks `ALLOWED` first. Changes of one row work on the row that the caller has locked; changes of many are one
statement each, whose WHERE takes its states from the same table. What becomes of its deliveries is in
`delivery_lifecycle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.history import last_result
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import Reason
from mailroom.product_events.emit import tell_end, tell_ends
from mailroom.states import ExecutionKind, ExecutionState, Moves
from mailroom.storage.database import new_id
from mailroom.storage.inserting import insert_into
from mailroom.storage.tables import Execution, Schedule

_CHUNK = 500
"""Rows an INSERT; SQLite takes about 32,000 values a statement."""


class By(StrEnum):
    """The cause of a move: Mailroom's plan, or a person who asks for another try."""

    PLAN = "plan"
    PERSON = "person"


_ANYBODY = frozenset({By.PLAN, By.PERSON})
_PERSON = frozenset({By.PERSON})
_E = ExecutionState

ALLOWED: Moves[ExecutionState, By] = Moves(
    "execution",
    {
        # What nothing works on yet ends as skipped or missed; as cancelled or failed where its run or schedule is gone.
        _E.PENDING: dict.fromkeys((_E.RUNNING, _E.SKIPPED, _E.MISSED, _E.CANCELLED, _E.FAILED), _ANYBODY),
        # The condition is a gate that can only be asked once the report is rendered: hence skipped.
        _E.RUNNING: dict.fromkeys((_E.SUCCESS, _E.PARTIAL, _E.FAILED, _E.CANCELLED, _E.RETRYING, _E.SKIPPED), _ANYBODY),
        _E.RETRYING: dict.fromkeys((_E.RUNNING, _E.CANCELLED, _E.FAILED), _ANYBODY),
        _E.SUCCESS: {},
        _E.PARTIAL: {_E.RUNNING: _PERSON},
        _E.FAILED: {_E.RUNNING: _PERSON},
        _E.CANCELLED: {_E.RUNNING: _PERSON},
        _E.SKIPPED: {},
        _E.MISSED: {},
    },
)


def new_execution(
    schedule_id: str,
    kind: ExecutionKind,
    due_at: datetime,
    *,
    now: datetime,
    flow_run_id: str | None = None,
    requested_by: str | None = None,
    test_recipient: str | None = None,
) -> Execution:
    """Make a pending execution, whoever asks for it. The caller stores it.

    Args:
        flow_run_id: the flow run that works on it, where there is one already.
        requested_by: the user who asked for it; nobody did for a scheduled one.
        test_recipient: the only address that a test goes to.
    """
    values = _pending(schedule_id, kind, due_at, now, flow_run_id)
    return Execution(**values, requested_by=requested_by, test_recipient=test_recipient)


def _pending(
    schedule_id: str, kind: ExecutionKind, due_at: datetime, now: datetime, flow_run_id: str | None
) -> dict[str, Any]:
    """Return what every new execution has, by column."""
    return {
        "id": new_id(),
        "schedule_id": schedule_id,
        "kind": kind,
        "due_at": due_at,
        "status": ExecutionState.PENDING,
        "reason": "",
        "artifact_ids": [],
        "flow_run_id": flow_run_id,
        "pass_count": 0,
        "render_failures": 0,
        "crash_count": 0,
        "error_count": 0,
        "created_at": now,
    }


@dataclass(frozen=True, slots=True)
class NewOccurrence:
    """A due time that the ledger lacks: pending, unless it has a `state` that it ends in at once for `reason`."""

    schedule_id: str
    due_at: datetime
    state: ExecutionState = ExecutionState.PENDING
    reason: Reason | None = None
    flow_run_id: str | None = None

    def values(self, now: datetime) -> dict[str, Any]:
        """Return its row by column."""
        values = _pending(self.schedule_id, ExecutionKind.SCHEDULED, self.due_at, now, self.flow_run_id)
        ALLOWED.check(values["status"], self.state, By.PLAN)
        why, code, details = _columns(self.reason)
        values |= {"status": self.state, "reason": why, "reason_code": code, "reason_values": details}
        return values | {"completed_at": now if self.state.ended else None}


async def insert_missing(
    session: AsyncSession, occurrences: Sequence[NewOccurrence], *, now: datetime
) -> set[tuple[str, datetime]]:
    """Store occurrences, except those that the ledger has by now. Return (schedule_id, due_at) of what was new."""
    new: set[tuple[str, datetime]] = set()
    ids: dict[tuple[str, datetime], str] = {}
    for start in range(0, len(occurrences), _CHUNK):
        values = [one.values(now) for one in occurrences[start : start + _CHUNK]]
        ids |= {(row["schedule_id"], row["due_at"]): row["id"] for row in values}
        query = insert_into(session, Execution).values(values).on_conflict_do_nothing()
        written = await session.execute(query.returning(Execution.schedule_id, Execution.due_at))
        new |= {(row[0], row[1]) for row in written}
    ended = [one for one in occurrences if one.state.ended and (one.schedule_id, one.due_at) in new]
    await tell_ends(session, [ids[one.schedule_id, one.due_at] for one in ended], now=now)
    await last_result.refresh(session, {one.schedule_id for one in ended})
    return new


async def insert_occurrence(
    session: AsyncSession, schedule_id: str, due_at: datetime, *, flow_run_id: str | None, now: datetime
) -> Execution:
    """Insert the occurrence or find the one that is there; the database's unique index decides who was first."""
    values = NewOccurrence(schedule_id, due_at, flow_run_id=flow_run_id).values(now)
    insert = insert_into(session, Execution).values(values).on_conflict_do_nothing().returning(Execution)
    inserted = (await session.scalars(insert)).one_or_none()
    if inserted is not None:
        return inserted
    query = select(Execution).where(
        Execution.schedule_id == schedule_id,
        Execution.due_at == due_at,
        Execution.kind == ExecutionKind.SCHEDULED,
    )
    return (await session.scalars(query.with_for_update().execution_options(populate_existing=True))).one()


def _move(execution: Execution, state: ExecutionState, reason: Reason | None, *, by: By = By.PLAN) -> None:
    ALLOWED.check(execution.status, state, by)
    execution.status = state
    execution.reason, execution.reason_code, execution.reason_values = _columns(reason)


def _columns(reason: Reason | None) -> tuple[str, str | None, dict[str, Any] | None]:
    if reason is None:
        return "", None, None
    return words(reason), str(reason.code), dict(reason.values)


def begin_pass(execution: Execution, *, now: datetime, lease_until: datetime) -> bool:
    """Begin a pass over it. Return whether a person asked for it, since by the plan it had ended."""
    forced = not ALLOWED.allows(execution.status, ExecutionState.RUNNING, By.PLAN)
    if forced:
        asked, ended = execution.retry_requested_at, execution.completed_at
        if asked is None or (ended and asked < ended):
            execution.retry_requested_at = now  # Prefect's own pages tell of a retry only when its run begins.
    _move(execution, ExecutionState.RUNNING, None, by=By.PERSON if forced else By.PLAN)
    execution.pass_count += 1
    execution.started_at = execution.started_at or now
    execution.lease_until = lease_until
    execution.completed_at = execution.next_pass_at = execution.waits_for = execution.held_by = None
    return forced


def wait(execution: Execution, reason: Reason, *, until: datetime, behind: str | None) -> None:
    """Let a pending execution wait for its start, or for its turn `behind` another one; it stays pending."""
    _move(execution, ExecutionState.PENDING, reason)
    execution.next_pass_at, execution.waits_for, execution.held_by = until, behind, None


def hold(execution: Execution, reason: Reason, *, until: datetime, stop_id: str) -> None:
    """Let an execution wait until a stop is lifted. What has not begun stays pending, and what has is retried.

    What a person asked for again stays as it ended, until its pass begins.
    """
    if not execution.status.ended:
        pending = execution.status is ExecutionState.PENDING
        _move(execution, ExecutionState.PENDING if pending else ExecutionState.RETRYING, reason)
    execution.next_pass_at, execution.held_by, execution.lease_until = until, stop_id, None


def drop_request(execution: Execution) -> None:
    """Forget that a person asked for another try, which waited too long; the execution stays as it ended."""
    execution.retry_requested_at = execution.next_pass_at = execution.held_by = None


def close(execution: Execution, state: ExecutionState, reason: Reason, *, schedule: Schedule, now: datetime) -> None:
    """End an execution that has not begun, since the gate is closed to its first pass."""
    _move(execution, state, reason)
    execution.next_pass_at = None
    execution.started_at = execution.completed_at = now
    last_result.remember(schedule, execution)
    tell_end(execution, schedule, now=now)


def end_pass(
    execution: Execution,
    state: ExecutionState,
    reason: Reason,
    *,
    schedule: Schedule,
    now: datetime,
    retry_at: datetime | None,
    held_by: str | None = None,
) -> None:
    """End a pass and give its lease back: the execution has ended, or is retried at `retry_at`, sooner once the stop
    `held_by` is lifted."""
    _move(execution, state, reason)
    execution.next_pass_at, execution.held_by, execution.lease_until = retry_at, held_by, None
    if not state.ended:
        return
    # Later than the request that it answers, also where the clock went back since: else it would look unanswered.
    asked = execution.retry_requested_at
    execution.completed_at = now if asked is None else max(now, asked + timedelta(microseconds=1))
    if state in (ExecutionState.FAILED, ExecutionState.PARTIAL):
        execution.error_message = execution.error_message or words(reason)
    else:
        execution.error_message = execution.error_id = None
    last_result.remember(schedule, execution)
    tell_end(execution, schedule, now=now)


def cancel(
    execution: Execution, reason: Reason, *, schedule: Schedule, now: datetime, superseded_by: str | None = None
) -> None:
    """Cancel an execution; `superseded_by` is the one that takes its place."""
    _move(execution, ExecutionState.CANCELLED, reason)
    execution.completed_at, execution.next_pass_at, execution.superseded_by = now, None, superseded_by
    last_result.remember(schedule, execution)


async def close_unbegun(
    session: AsyncSession, ends: Sequence[tuple[str, ExecutionState, Reason]], *, now: datetime
) -> None:
    """End executions (id, state, reason) that are still pending; one that has begun meanwhile goes on."""
    if not ends:
        return
    for _, state, _ in ends:
        ALLOWED.check(ExecutionState.PENDING, state, By.PLAN)
    ids = [row for row, _, _ in ends]
    await last_result.hold_schedules_of(session, ids)
    table = Execution.__table__
    query = (
        update(table)  # type: ignore[arg-type]  # declared as FromClause, is a Table
        .where(table.c.id == bindparam("row"), table.c.status == ExecutionState.PENDING)
        .values(
            status=bindparam("state"),
            reason=bindparam("why"),
            reason_code=bindparam("code"),
            reason_values=bindparam("details"),
            completed_at=now,
        )
    )
    names = ("row", "state", "why", "code", "details")
    values = [dict(zip(names, (row, state, *_columns(reason)), strict=True)) for row, state, reason in ends]
    await (await session.connection()).execute(query, values)
    await tell_ends(session, ids, now=now)
    await last_result.refresh(
        session, await session.scalars(select(Execution.schedule_id).where(Execution.id.in_(ids)))
    )


async def skip_backfills(session: AsyncSession, schedule_ids: Sequence[str], reason: Reason, *, now: datetime) -> None:
    """Skip what is left of the backfills of schedules that end."""
    ALLOWED.check(ExecutionState.PENDING, ExecutionState.SKIPPED, By.PLAN)
    why, code, details = _columns(reason)
    skipped = await session.scalars(
        update(Execution)
        .where(
            Execution.schedule_id.in_(schedule_ids),
            Execution.kind == ExecutionKind.BACKFILL,
            Execution.status == ExecutionState.PENDING,
        )
        .values(status=ExecutionState.SKIPPED, reason=why, reason_code=code, reason_values=details, completed_at=now)
        .returning(Execution.schedule_id)
        .execution_options(synchronize_session=False)
    )
    await last_result.refresh(session, skipped)
