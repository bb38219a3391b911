"""Keep on each schedule what its last run ended with, so that lists can filter and sort by it.

The last run is the latest by due time that has ended; tests do not count. `lifecycle` calls this with every end.

A schedule is failing if it is suspended, or if its last run did not reach everybody and no person has paused it since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.tables import Execution, Schedule

_CHUNK = 500
BAD = frozenset({ExecutionState.FAILED, ExecutionState.PARTIAL, ExecutionState.MISSED})
_COUNTS_IN = frozenset({ScheduleState.ACTIVE, ScheduleState.FINISHED})


class Attention(IntEnum):
    """The rank of a schedule in lists that begin with what needs somebody."""

    FAILING = 0
    NONE = 1
    DELETED = 2


def attention_of(state: ScheduleState, last: ExecutionState | None) -> Attention:
    """Return the rank of a schedule in this state whose last run ended so. Pure."""
    if state is ScheduleState.DELETED:
        return Attention.DELETED
    failing = state is ScheduleState.SUSPENDED or (state in _COUNTS_IN and last in BAD)
    return Attention.FAILING if failing else Attention.NONE


_REFRESH = text(
    """
    UPDATE export_schedules SET (last_status, last_due_at, last_execution_id) = (
      SELECT e.status, e.due_at, e.id FROM schedule_executions AS e
      WHERE e.schedule_id = export_schedules.id AND e.kind <> 'test'
        AND e.status IN ('success', 'partial', 'failed', 'cancelled', 'skipped', 'missed')
      ORDER BY e.due_at DESC, e.id DESC LIMIT 1)
    WHERE id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))
# As `attention_of`; a test compares the two.
_RANK = text(
    """
    UPDATE export_schedules SET attention = CASE
      WHEN state = 'deleted' THEN 2
      WHEN state = 'suspended' THEN 0
      WHEN state IN ('active', 'finished') AND last_status IN ('failed', 'partial', 'missed') THEN 0
      ELSE 1 END
    WHERE id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))


def remember(schedule: Schedule, execution: Execution) -> None:
    """Keep how an execution has ended, unless a later one has. The caller has locked the schedule."""
    if execution.kind is ExecutionKind.TEST or not execution.status.ended:
        return
    if schedule.last_due_at is None or execution.due_at >= schedule.last_due_at:
        schedule.last_status, schedule.last_due_at = execution.status, execution.due_at
        schedule.last_execution_id = execution.id
        schedule.attention = attention_of(schedule.state, schedule.last_status)


async def hold_schedules_of(session: AsyncSession, execution_ids: Sequence[str]) -> None:
    """Lock the schedules of executions before these are changed, as the order of locks asks for."""
    theirs = select(Execution.schedule_id).where(Execution.id.in_(execution_ids))
    await session.execute(select(Schedule.id).where(Schedule.id.in_(theirs)).order_by(Schedule.id).with_for_update())


async def refresh(session: AsyncSession, schedule_ids: Iterable[str]) -> None:
    """Look up what the last run of each schedule ended with, after many executions have ended at once."""
    ids = sorted(set(schedule_ids))
    for start in range(0, len(ids), _CHUNK):
        for query in (_REFRESH, _RANK):
            await session.execute(query, {"ids": ids[start : start + _CHUNK]})
