"""Remove what was told long ago: notifications, events for the product, and incidents that are over, with alerts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.product_events.spec import EventState
from mailroom.storage.model.outboxes.product_events import ProductEvent
from mailroom.storage.model.upkeep.incidents import Alert, Incident, IncidentSchedule
from mailroom.storage.tables import Notification


async def remove_notifications(session: AsyncSession, *, before: datetime, rows: int) -> int:
    """Remove notifications of before a time, read or not; return how many, 0 where none is left."""
    query = select(Notification.id).where(Notification.at < before).order_by(Notification.at).limit(rows)
    found = (await session.scalars(query)).all()
    if found:
        going = delete(Notification).where(Notification.id.in_(found))
        await session.execute(going.execution_options(synchronize_session=False))
    return len(found)


async def remove_product_events(session: AsyncSession, *, before: datetime, rows: int) -> int:
    """Remove events for the product of before a time that are not waiting; return how many, 0 where none is left."""
    over = ProductEvent.state != EventState.PENDING
    query = select(ProductEvent.id).where(ProductEvent.created_at < before, over).order_by(ProductEvent.created_at)
    found = (await session.scalars(query.limit(rows))).all()
    if found:
        going = delete(ProductEvent).where(ProductEvent.id.in_(found))
        await session.execute(going.execution_options(synchronize_session=False))
    return len(found)


async def remove_incidents(session: AsyncSession, *, before: datetime, rows: int) -> int:
    """Remove incidents that were resolved before a time; return how many, 0 where none is left.

    One has a few alerts, and as many rows as it covered schedules, so a transaction takes few of them.
    """
    query = select(Incident.id).where(Incident.resolved_at < before).order_by(Incident.resolved_at)
    found = (await session.scalars(query.limit(max(1, rows // 20)))).all()
    if found:
        for column in (Alert.incident_id, IncidentSchedule.incident_id, Incident.id):
            going = delete(column.class_).where(column.in_(found))
            await session.execute(going.execution_options(synchronize_session=False))
    return len(found)
