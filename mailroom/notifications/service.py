"""Tell users what they should know, in the transaction of what happened."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.notifications.events import Event, ExecutionFailed, OfSchedule
from mailroom.storage.tables import Notification


def notify(session: AsyncSession, event: Event, *, at: datetime) -> None:
    """Store the notification of an event for its user, such as the owner of its schedule."""
    session.add(
        Notification(
            user_id=event.user_id,
            at=at,
            severity=event.severity,
            title=event.title[:300],
            body=event.body,
            schedule_id=event.schedule_id if isinstance(event, OfSchedule) else None,
            execution_id=event.execution_id if isinstance(event, ExecutionFailed) else None,
        )
    )
