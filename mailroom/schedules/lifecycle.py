"""The life of a schedule: the only place where its state changes, and where a change of it is counted.

Each change of state asks `ALLOWED`. Whoever changes a schedule has locked it, and has accounted for what was due until
then (`ledger.account.account_for_change`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.history.last_result import attention_of
from mailroom.product_events.emit import tell_suspended
from mailroom.states import Moves, ScheduleState, SyncState
from mailroom.storage.tables import Schedule


class Cause(StrEnum):
    """The causes that move a schedule from one state to another."""

    PAUSE = "pause"
    RESUME = "resume"
    NEW_TIMING = "new timing"
    DELETE = "delete"
    UNDELETE = "undo of the deletion"
    FAILURES = "failures in a row"
    REPORT = "a report that it no longer fits"
    NOTHING_LEFT = "nothing left to fire"
    OWNER = "its owner may not own schedules"


_S = ScheduleState


def _by(cause: Cause) -> frozenset[Cause]:
    return frozenset({cause})


ALLOWED: Moves[ScheduleState, Cause] = Moves(
    "schedule",
    {
        _S.ACTIVE: {
            _S.PAUSED: _by(Cause.PAUSE),
            _S.SUSPENDED: frozenset({Cause.FAILURES, Cause.REPORT, Cause.OWNER}),
            _S.FINISHED: _by(Cause.NOTHING_LEFT),
            _S.DELETED: _by(Cause.DELETE),
        },
        _S.PAUSED: {_S.ACTIVE: _by(Cause.RESUME), _S.DELETED: _by(Cause.DELETE)},
        _S.SUSPENDED: {
            _S.ACTIVE: _by(Cause.RESUME),
            _S.PAUSED: _by(Cause.PAUSE),
            _S.DELETED: _by(Cause.DELETE),
        },
        # Resuming a finished schedule is refused: it has no due time left. A new timing gives it some.
        _S.FINISHED: {_S.ACTIVE: _by(Cause.NEW_TIMING), _S.DELETED: _by(Cause.DELETE)},
        # Only for some minutes, see `deletions`. It gets the state back that it had; one that may not run by now is
        # suspended instead of active.
        _S.DELETED: {
            _S.ACTIVE: _by(Cause.UNDELETE),
            _S.PAUSED: _by(Cause.UNDELETE),
            _S.SUSPENDED: _by(Cause.UNDELETE),
            _S.FINISHED: _by(Cause.UNDELETE),
        },
    },
)


def move(schedule: Schedule, state: ScheduleState, cause: Cause, *, now: datetime) -> None:
    """Move a schedule to another state; Prefect is told by the next pass over it.

    Where it fires afterwards, the caller sets `next_run`.

    Raises:
        Conflict: the table does not have this move.
    """
    ALLOWED.check(schedule.state, state, cause)
    deleted = state is ScheduleState.DELETED
    schedule.deleted_from = schedule.state if deleted else None
    schedule.deleted_at, schedule.delete_after = (now if deleted else None), None
    schedule.state, schedule.is_active = state, state is ScheduleState.ACTIVE
    schedule.next_run = schedule.next_run if schedule.is_active else None
    schedule.attention = attention_of(state, schedule.last_status)
    if state is ScheduleState.SUSPENDED:
        tell_suspended(schedule, cause.name.lower(), now=now)
    changed(schedule, now=now)


def is_gone(schedule: Schedule) -> bool:
    """Tell whether the schedule is deleted and its deletion cannot be undone any more. Pure."""
    return schedule.state is ScheduleState.DELETED and schedule.delete_after is None


def state_in_prefect(schedule: Schedule) -> ScheduleState:
    """Return the state that Prefect is to show: a schedule whose deletion can be undone is only paused there. Pure."""
    undoable = schedule.state is ScheduleState.DELETED and not is_gone(schedule)
    return ScheduleState.PAUSED if undoable else schedule.state


def changed(schedule: Schedule, *, now: datetime) -> None:
    """Count a change of the schedule, which Prefect does not show yet."""
    schedule.generation = (schedule.generation or 0) + 1
    schedule.sync_state, schedule.sync_error, schedule.updated_at = SyncState.PENDING, "", now


async def calendar_changed(
    session: AsyncSession, schedules: Sequence[Schedule], next_runs: Mapping[str, datetime | None], *, now: datetime
) -> None:
    """Count a change of each schedule and set its `next_run`, None where it is not named. One statement."""
    rows = [
        {
            "id": schedule.id,
            "generation": schedule.generation + 1,
            "sync_state": SyncState.PENDING,
            "sync_error": "",
            "next_run": next_runs.get(schedule.id),
            "updated_at": now,
        }
        for schedule in schedules
    ]
    if rows:
        await session.execute(update(Schedule), rows)
