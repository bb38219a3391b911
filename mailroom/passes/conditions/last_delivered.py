"""Find what was last delivered for a schedule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.passes.conditions.decide import Delivered
from mailroom.passes.conditions.kept import DataKept
from mailroom.states import DeliveryState, ExecutionKind
from mailroom.storage.tables import Delivery, Execution


async def last_delivered(
    session: AsyncSession, schedule_id: str, *, before: datetime, besides: str
) -> Delivered | None:
    """Return the latest execution by due time, up to `before`, of which somebody got something.

    A test does not count: only the tester got it. A correction counts, and comes after what it corrects.

    Args:
        besides: the execution that asks.
    """
    arrived = exists().where(Delivery.execution_id == Execution.id, Delivery.status == DeliveryState.DELIVERED)
    query = (
        select(Execution.id, Execution.due_at, Execution.data_facts)
        .where(
            Execution.schedule_id == schedule_id,
            Execution.due_at <= before,
            Execution.id != besides,
            Execution.kind != ExecutionKind.TEST,
            arrived,
        )
        .order_by(Execution.due_at.desc(), Execution.created_at.desc())
        .limit(1)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None or row.data_facts is None:
        return None
    return Delivered(row.id, row.due_at, DataKept.model_validate(row.data_facts))
