"""Take the sample schedules away, with all that happened to them. The audit trail keeps that they were there."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.context import Context
from mailroom.schedules import service as schedules
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.model.links import Download
from mailroom.storage.tables import Attempt, Delivery, Execution, Notification, NotificationMute, Schedule

_ENDED = [state for state in ExecutionState if state.ended]


async def remove(session: AsyncSession, context: Context) -> int:
    """Delete every sample schedule and its history; return how many schedules were deleted.

    A run that goes on just now ends first; another call takes its record away.
    """
    rows = (await session.scalars(select(Schedule).where(Schedule.is_sample))).all()
    alive = [row for row in rows if row.state is not ScheduleState.DELETED]
    for row in alive:
        await schedules.delete(session, row.id, context)
    of_samples = select(Schedule.id).where(Schedule.is_sample)
    executions = select(Execution.id).where(Execution.schedule_id.in_(of_samples), Execution.status.in_(_ENDED))
    deliveries = select(Delivery.id).where(Delivery.execution_id.in_(executions))
    await session.execute(delete(Attempt).where(Attempt.delivery_id.in_(deliveries)))
    await session.execute(delete(Download).where(Download.delivery_id.in_(deliveries)))
    await session.execute(delete(Delivery).where(Delivery.execution_id.in_(executions)))
    await session.execute(delete(Notification).where(Notification.schedule_id.in_(of_samples)))
    await session.execute(delete(NotificationMute).where(NotificationMute.schedule_id.in_(of_samples)))
    ended = Execution.schedule_id.in_(of_samples) & Execution.status.in_(_ENDED)
    await session.execute(delete(Execution).where(ended))
    return len(alive)
