"""Read what matters where two executions of a schedule overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution

V = TypeVar("V")


async def unfinished(session: AsyncSession, schedule_id: str, *, besides: str) -> Sequence[Execution]:
    """Return the scheduled executions that run, wait for a retry, or wait for one that does; oldest first."""
    query = select(Execution).where(
        Execution.schedule_id == schedule_id,
        Execution.kind == ExecutionKind.SCHEDULED,
        or_(
            Execution.status.in_([ExecutionState.RUNNING, ExecutionState.RETRYING]),
            and_(Execution.status == ExecutionState.PENDING, Execution.waits_for.is_not(None)),
        ),
        Execution.id != besides,
    )
    return (await session.scalars(query.order_by(Execution.due_at))).all()


async def standing(
    session: AsyncSession, execution_id: str, besides: ColumnElement[V] | ScalarSelect[V]
) -> tuple[Execution, V]:
    """Return the execution as it stands and keep it so until the transaction ends; others may look as well.

    `besides` is a value that the same statement reads.

    On SQLite there is no such lock. There, whoever ends an execution also suppresses its deliveries in one write.
    """
    query = select(Execution, besides).where(Execution.id == execution_id).with_for_update(read=True, of=Execution)
    row = (await session.execute(query.execution_options(populate_existing=True))).one()
    return row[0], row[1]
