"""What people did in Prefect's own interface, taken over into the schedule or undone, with a trace of it.

Each function works in the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.settings import Settings
from mailroom.states import ScheduleState
from mailroom.storage.tables import Notification, Schedule, User

PREFECT = "prefect-ui"
"""Who acts in the audit trail; a Prefect server without accounts names nobody."""
MAILROOM = "mailroom"


def _context(schedule: Schedule, who: str, now: datetime, settings: Settings) -> Context:
    actor = f"{PREFECT} ({who})"[:320] if who else PREFECT
    return Context(user=User(id=schedule.user_id, email=actor), now=now, settings=settings)


def _tell(session: AsyncSession, schedule: Schedule, now: datetime, title: str, body: str) -> None:
    note = Notification(
        user_id=schedule.user_id, at=now, severity="warning", title=title[:300], body=body, schedule_id=schedule.id
    )
    session.add(note)


async def adopt_pause(session: AsyncSession, schedule_id: str, *, who: str, now: datetime, settings: Settings) -> bool:
    """Pause an active schedule, as somebody did in Prefect; returns whether it was still active."""
    schedule = await stored.find(session, schedule_id, lock=True)
    if schedule is None or schedule.state is not ScheduleState.ACTIVE:
        return False
    await schedules.pause(session, schedule_id, _context(schedule, who, now, settings))
    by = f" by {who}" if who else ""
    body = f"Somebody paused its deployment in Prefect{by}. Nothing leaves for it until it is resumed, here or there."
    _tell(session, schedule, now, f"{schedule.name} was paused in Prefect", body)
    return True


async def adopt_resume(session: AsyncSession, schedule_id: str, *, who: str, now: datetime, settings: Settings) -> bool:
    """Resume a schedule that was paused in Prefect; one paused here stays so. Returns whether it was resumed."""
    schedule = await stored.find(session, schedule_id, lock=True)
    if schedule is None or schedule.state is not ScheduleState.PAUSED:
        return False
    last = await audit.latest(session, entity_type="schedule", entity_id=schedule_id, action="paused")
    if last is None or last.actor.split(" ")[0] != PREFECT:
        return False
    await schedules.resume(session, schedule_id, _context(schedule, who, now, settings))
    _tell(session, schedule, now, f"{schedule.name} was resumed in Prefect", "It fires again from its next due time.")
    return True


def record_repair(session: AsyncSession, schedule_id: str, *, now: datetime, detail: dict[str, Any]) -> None:
    """Remember what was done by hand in Prefect and undone by us."""
    audit.record(
        session,
        at=now,
        actor=MAILROOM,
        action="drift repaired",
        entity_type="schedule",
        entity_id=schedule_id,
        detail=detail,
    )
