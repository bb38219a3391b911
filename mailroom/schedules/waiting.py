"""Find the schedules for which something waits to be written to Prefect, page by page in the order of their ids.

The order has nothing to do with age: whoever goes through all pages gives each schedule its turn, however many of them
Prefect refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.executions.again import UNFINISHED_ENDS
from mailroom.states import ExecutionKind, ExecutionState, SyncState
from mailroom.storage.tables import Execution, Schedule


async def unsynced(session: AsyncSession, *, after: str, limit: int) -> Sequence[str]:
    """Return the next schedules whose wanted state Prefect does not show yet and has not refused."""
    query = select(Schedule.id).where(Schedule.sync_state == SyncState.PENDING, Schedule.id > after)
    return (await session.scalars(query.order_by(Schedule.id).limit(limit))).all()


async def with_requests(session: AsyncSession, *, after: str, limit: int) -> Sequence[str]:
    """Return the next schedules with executions that Prefect is to be told of: without a run, or to be tried again.

    Of a backfill, an occurrence has its turn when the earlier ones are done or wait for a retry.
    """
    earlier = aliased(Execution)
    held_back = exists().where(
        earlier.schedule_id == Execution.schedule_id,
        earlier.kind == ExecutionKind.BACKFILL,
        earlier.due_at < Execution.due_at,
        earlier.status.in_([ExecutionState.PENDING, ExecutionState.RUNNING]),
    )
    without_run = and_(
        Execution.status.in_([ExecutionState.PENDING, ExecutionState.RETRYING]),
        Execution.flow_run_id.is_(None),
        or_(Execution.kind != ExecutionKind.BACKFILL, ~held_back),
    )
    to_retry = and_(
        Execution.retry_requested_at.is_not(None),
        Execution.status.in_(UNFINISHED_ENDS),
        or_(Execution.completed_at.is_(None), Execution.completed_at <= Execution.retry_requested_at),
        Execution.next_pass_at.is_(None),
    )
    query = select(Execution.schedule_id).where(or_(without_run, to_retry), Execution.schedule_id > after)
    return (await session.scalars(query.distinct().order_by(Execution.schedule_id).limit(limit))).all()
