"""Tell users in the application what they should know, in the transaction of what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.context import Context
from mailroom.notifications import repository as stored
from mailroom.notifications.events import Event, OfExecution, OfIncident, OfSchedule
from mailroom.notifications.kinds import Route
from mailroom.notifications.repository import Listener
from mailroom.notifications.schedule_events import ChangedByOther
from mailroom.notifications.wants import wants
from mailroom.storage.tables import Notification, Schedule
from mailroom.timing.zones import known_zone


async def notify(session: AsyncSession, events: Iterable[Event], *, at: datetime, by: str | None = None) -> None:
    """Store a notification of each event for its user, such as the owner of its schedule. It asks one query for all.

    Whoever does not want the kind gets none, unless it is about an incident: then `mailroom.alerts` has decided, which
    also tells here what another route could not send. What is about a schedule that the user has muted is stored as
    read, so that it can be found and the bell does not count it.

    Args:
        by: the user who did it, and so is not told of it.
    """
    told = [event for event in events if event.user_id != by]
    listeners = await stored.listeners(session, told_of(told), at=at)
    for event in told:
        listener = listeners.get(event.user_id)
        if listener is not None and _is_told(event, listener):
            session.add(_row(event, listener, at))


async def tell_owner(
    session: AsyncSession, what: Callable[..., ChangedByOther], schedule: Schedule, context: Context, *more: Any
) -> None:
    """Tell the owner of a schedule what somebody else did to it; whoever does it to an own one is told nothing.

    Args:
        what: the class of the event.
        more: what this event has besides the schedule and who it was.
    """
    event = what(schedule.user_id, schedule.id, schedule.name, context.who, *more)
    await notify(session, [event], at=context.now, by=context.user.id)


def told_of(events: Iterable[Event]) -> dict[str, set[str]]:
    """Return the schedules that each user is told about, by the ids of the users. Pure."""
    found: dict[str, set[str]] = {}
    for event in events:
        schedule_id = schedule_of(event)
        found.setdefault(event.user_id, set()).update({schedule_id} if schedule_id else ())
    return found


def schedule_of(event: Event) -> str | None:
    """Return the schedule that an event is about. Pure."""
    if isinstance(event, OfSchedule):
        return event.schedule_id
    return event.schedule if isinstance(event, OfIncident) else None


def _is_told(event: Event, listener: Listener) -> bool:
    return isinstance(event, OfIncident) or wants(listener.preferences, event.kind, Route.IN_APP)


def _row(event: Event, listener: Listener, at: datetime) -> Notification:
    schedule_id = schedule_of(event)
    return Notification(
        user_id=event.user_id,
        at=at,
        kind=event.kind.value,
        severity=event.severity,
        title=event.title[:300],
        body=event.body_in(known_zone(listener.timezone)),
        schedule_id=schedule_id,
        execution_id=event.execution_id if isinstance(event, OfExecution) else None,
        incident_id=event.incident_id if isinstance(event, OfIncident) else None,
        subject=event.subject,
        read_at=at if schedule_id in listener.muted else None,
    )
