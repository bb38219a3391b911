"""Read and write what the rescue needs of executions whose process fell silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution


async def forget_flow_run(session: AsyncSession, execution_id: str, flow_run_id: str) -> None:
    """Let an execution that is not worked on get another flow run, because that one is gone."""
    await session.execute(
        update(Execution)
        .where(
            Execution.id == execution_id,
            Execution.flow_run_id == flow_run_id,
            Execution.status.in_([ExecutionState.PENDING, ExecutionState.RETRYING]),
        )
        .values(flow_run_id=None)
    )


async def count_crash(session: AsyncSession, execution_id: str) -> None:
    """Count that an execution's run is put back since its process is gone."""
    await session.execute(
        update(Execution).where(Execution.id == execution_id).values(crash_count=Execution.crash_count + 1)
    )


async def silent(
    session: AsyncSession, *, before: datetime, now: datetime, limit: int, beyond: tuple[datetime, str] | None = None
) -> Sequence[Execution]:
    """Return executions whose process says nothing, by due time: running without a valid lease, handed over and not
    begun, or not come back for a retry. `beyond` is due time and id of the last one of the page before.

    A lease that has ended is proof enough. One that was given back is not: its process may be about to write the end.

    Args:
        now: leases that ended before this moment count.
    """
    running = and_(
        Execution.status == ExecutionState.RUNNING,
        or_(
            Execution.lease_until < now,
            and_(Execution.lease_until.is_(None), Execution.started_at < before),
        ),
    )
    waiting = and_(
        Execution.status == ExecutionState.PENDING,
        Execution.flow_run_id.is_not(None),
        Execution.created_at < before,
        or_(Execution.next_pass_at.is_(None), Execution.next_pass_at < before),
    )
    retrying = and_(
        Execution.status == ExecutionState.RETRYING,
        Execution.flow_run_id.is_not(None),
        Execution.next_pass_at < before,
    )
    query = select(Execution).where(or_(running, waiting, retrying)).order_by(Execution.due_at, Execution.id)
    if beyond:
        due_at, row_id = beyond
        query = query.where(or_(Execution.due_at > due_at, and_(Execution.due_at == due_at, Execution.id > row_id)))
    return (await session.scalars(query.limit(limit))).all()


async def worked_on(session: AsyncSession, flow_run_ids: Sequence[str]) -> set[str]:
    """Return those of the flow runs whose execution is running: its lease tells whether it still is."""
    query = select(Execution.flow_run_id).where(
        Execution.flow_run_id.in_(flow_run_ids), Execution.status == ExecutionState.RUNNING
    )
    return {found for found in await session.scalars(query) if found}


async def with_executions(session: AsyncSession, flow_run_ids: Sequence[str]) -> set[str]:
    """Return those of the flow runs that have an execution."""
    query = select(Execution.flow_run_id).where(Execution.flow_run_id.in_(flow_run_ids))
    return {found for found in await session.scalars(query) if found}
