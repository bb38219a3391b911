"""Read what became of a schedule's due times. The caller was shown the schedule already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.schedules.overview.figures import Ran
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.tables import Delivery, Execution

_OPEN = tuple(state for state in ExecutionState if not state.ended)
_MOST = 5_000
"""How many executions the figures look at; a schedule that is due each hour has 720 in their period."""


async def last_occurrences(session: AsyncSession, schedule_id: str, *, now: datetime, limit: int) -> list[Execution]:
    """Return the executions of the last due times, the oldest first."""
    query = select(Execution).where(
        Execution.schedule_id == schedule_id, Execution.kind == ExecutionKind.SCHEDULED, Execution.due_at <= now
    )
    rows = await session.scalars(query.order_by(Execution.due_at.desc(), Execution.id.desc()).limit(limit))
    return list(rows)[::-1]


async def last_ended(session: AsyncSession, schedule_id: str, *, limit: int) -> list[Execution]:
    """Return the last executions by due time that have ended, the oldest first; tests do not count."""
    query = select(Execution).where(
        Execution.schedule_id == schedule_id, Execution.kind != ExecutionKind.TEST, Execution.status.not_in(_OPEN)
    )
    rows = await session.scalars(query.order_by(Execution.due_at.desc(), Execution.id.desc()).limit(limit))
    return list(rows)[::-1]


async def under_way(session: AsyncSession, schedule_id: str) -> bool:
    """Tell whether an execution of the schedule is being worked on, or waits for its start."""
    going = (ExecutionState.PENDING, ExecutionState.RUNNING)
    query = select(Execution.id).where(Execution.schedule_id == schedule_id, Execution.status.in_(going)).limit(1)
    return (await session.scalars(query)).one_or_none() is not None


async def ran_since(session: AsyncSession, schedule_id: str, *, since: datetime) -> Sequence[Ran]:
    """Return what ran since then, tests left out, with one query."""
    # Not a condition of the join: SQLite would take the index of the states, and read every delivery of the house.
    confirmed = Delivery.status == DeliveryState.DELIVERED
    query = (
        select(
            Execution.due_at,
            Execution.status,
            Execution.kind,
            func.count(case((confirmed, Delivery.id))),
            func.max(case((confirmed, Delivery.delivered_at))),
        )
        .outerjoin(Delivery, Delivery.execution_id == Execution.id)
        .where(Execution.schedule_id == schedule_id, Execution.due_at >= since, Execution.kind != ExecutionKind.TEST)
        .group_by(Execution.id)
        .order_by(Execution.due_at.desc())
        .limit(_MOST)
    )
    rows = (await session.execute(query)).all()
    return [Ran(row[0], row[1], row[2] is ExecutionKind.SCHEDULED, int(row[3]), row[4]) for row in rows]
