"""Remove the attempts of deliveries that were made long ago; the deliveries stay, with their counts and receipts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.retention.progress import Kind, Place, place_of, write_place
from mailroom.storage.tables import Attempt, Delivery, Execution


async def remove_attempts(session: AsyncSession, *, before: datetime, rows: int) -> int:
    """Remove the attempts of the next deliveries that were planned before a time and whose execution has ended.

    Args:
        rows: how many deliveries are looked at.

    Returns:
        how many deliveries were looked at; 0 where none is left.
    """
    place = await place_of(session, Kind.ATTEMPTS)
    query = (
        select(Delivery.id, Delivery.created_at, Execution.completed_at)
        .join(Execution, Execution.id == Delivery.execution_id)
        .where(Delivery.created_at < before, tuple_(Delivery.created_at, Delivery.id) > (place.at, place.id))
        .order_by(Delivery.created_at, Delivery.id)
        .limit(rows)
    )
    found = (await session.execute(query)).all()
    if not found:
        return 0
    # An execution that has not ended in all this time keeps them until it is removed itself.
    ended = [row.id for row in found if row.completed_at is not None and row.completed_at < before]
    if ended:
        going = delete(Attempt).where(Attempt.delivery_id.in_(ended))
        await session.execute(going.execution_options(synchronize_session=False))
    await write_place(session, Kind.ATTEMPTS, Place(found[-1].created_at, found[-1].id))
    return len(found)
