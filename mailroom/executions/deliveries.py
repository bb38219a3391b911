"""Deliveries and attempts in the database: how they are read, and how an execution gets them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.inserting import insert_into
from mailroom.storage.tables import Attempt, Delivery


async def deliveries_of(session: AsyncSession, execution_ids: Sequence[str]) -> Sequence[Delivery]:
    """Return the deliveries of some executions, in the order of their destinations."""
    query = select(Delivery).where(Delivery.execution_id.in_(execution_ids))
    return (await session.scalars(query.order_by(Delivery.execution_id, Delivery.position, Delivery.recipient))).all()


async def attempts_of(session: AsyncSession, execution_id: str) -> Sequence[Attempt]:
    """Return every attempt of an execution's deliveries, oldest first."""
    query = select(Attempt).join(Delivery, Delivery.id == Attempt.delivery_id)
    return (
        await session.scalars(query.where(Delivery.execution_id == execution_id).order_by(Attempt.started_at))
    ).all()


async def plan_deliveries(
    session: AsyncSession, execution_id: str, planned: Sequence[Delivery], *, first: bool = False
) -> Sequence[Delivery]:
    """Store the deliveries of an execution on its first pass; any other pass gets those that are there.

    Args:
        first: whether this transaction began the first pass, so that none can be there.
    """
    there = [] if first else await deliveries_of(session, [execution_id])
    if there or not planned:
        return there
    names = [column.key for column in Delivery.__table__.columns]
    values = [{name: value for name in names if (value := getattr(row, name)) is not None} for row in planned]
    insert = insert_into(session, Delivery).values(values).on_conflict_do_nothing().returning(Delivery)
    stored = {row.id: row for row in await session.scalars(insert)}
    if len(stored) == len(planned):
        return [stored[row.id] for row in planned]
    return await deliveries_of(session, [execution_id])
