"""Tell the people of a stage what they would have been told in the days before, so that pages have it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.notifications.connection_events import ConnectionDisabled, ConnectionEnabled
from mailroom.notifications.events import DueTimesMissed, Event, ExecutionFailed, KeyExpires
from mailroom.notifications.ownership_events import Received
from mailroom.notifications.schedule_events import Paused, Recovered, SuspendedAfterFailures
from mailroom.notifications.service import notify
from mailroom.states import ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.model.upkeep.incidents import Alert, Incident
from mailroom.storage.tables import Execution, Notification, Schedule, User

_NEW = timedelta(hours=20)
_HOUR = timedelta(hours=1)


async def tell(session: AsyncSession, people: Sequence[User], *, now: datetime) -> None:
    """Tell each of these people of the sample schedules; the last day is not read yet."""
    found = await session.scalars(select(Schedule).where(Schedule.is_sample).order_by(Schedule.name))
    schedules = [(row.id, row.name) for row in found]
    failed = select(Execution).where(Execution.status == ExecutionState.FAILED).order_by(Execution.due_at.desc())
    runs = {row.schedule_id: row.id for row in await session.scalars(failed)}
    for person in people:
        for hours, event in _events(person, schedules, runs, now):
            await notify(session, [event], at=now - hours * _HOUR)
    read = update(Notification).where(Notification.at < now - _NEW).values(read_at=now - _NEW)
    await session.execute(read)
    await _fail_to_send(session, people[0], now)


def _events(
    person: User, schedules: Sequence[tuple[str, str]], runs: dict[str, str], now: datetime
) -> list[tuple[float, Event]]:
    """Return what a person was told, each with how many hours ago. Pure."""
    which = next((one for one in schedules if one[0] in runs), schedules[0])
    run = runs.get(which[0], "")
    due, reason = now - 26 * _HOUR, "No worker began it within 4 hours."
    refused = "The mail server refused sales@example.com: mailbox full. It is not tried again."
    gone = "The far side says that it is gone for good: HTTP 410."
    last, second, third = schedules[-1], schedules[1], schedules[2]
    return [
        (0.5, ExecutionFailed(person.id, *which, run, ExecutionState.FAILED, refused, ("sales@example.com",))),
        (2.2, Received(person.id, *second, "Ada Admin", "former@example.com")),
        (14.0, ConnectionDisabled(person.id, "partner-webhook", gone)),
        (25.0, ConnectionEnabled(person.id, "partner-webhook", "Ada Admin")),
        (26.0, DueTimesMissed(person.id, *third, 2, due - 3 * _HOUR, due, reason)),
        (27.5, Paused(person.id, *second, "Chris Creator")),
        (50.0, Recovered(person.id, *which, run, now - 50 * _HOUR)),
        (51.0, SuspendedAfterFailures(person.id, *last, 5)),
        (75.0, KeyExpires(person.id, "nightly import", "mrk_4f0d", now + timedelta(days=9))),
    ]


async def _fail_to_send(session: AsyncSession, person: User, now: datetime) -> None:
    """Keep a mail about a failure that could not be sent to this person."""
    at = now - _HOUR
    incident = Incident(
        id=new_id(),
        kind="schedule_failing",
        subject="a sample",
        severity="error",
        values={},
        owner_id=person.id,
        opened_at=at,
        last_seen_at=at,
        resolved_at=now,
        level="owner",
    )
    session.add(incident)
    await session.flush()
    session.add(
        Alert(
            incident_id=incident.id,
            stage="opened",
            level="owner",
            route="mail",
            target=person.email,
            state="failed",
            attempts=5,
            error="The mail server does not answer: connection refused.",
            created_at=at,
        )
    )
