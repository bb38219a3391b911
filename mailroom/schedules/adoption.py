"""Take over into the schedule what people did in Prefect's own interface, or record that it was undone.

Each function works in the caller's transaction.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleDriftRepaired
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.notifications.events import PausedInPrefect, ResumedInPrefect
from mailroom.notifications.service import notify
from mailroom.reports import repository as report_repository
from mailroom.roles import Role
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.settings import Settings
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule, User

_LOG = logging.getLogger(__name__)
PREFECT = "prefect-ui"
"""Who acts in the audit trail; a Prefect server without accounts names nobody."""


def _context(schedule: Schedule, who: str, now: datetime, settings: Settings) -> Context:
    actor = f"{PREFECT} ({who})"[:320] if who else PREFECT
    return Context(user=User(id=schedule.user_id, email=actor, role=Role.ADMIN), now=now, settings=settings)


async def adopt_pause(session: AsyncSession, schedule_id: str, *, who: str, now: datetime, settings: Settings) -> bool:
    """Pause an active schedule, as somebody did in Prefect; return whether it was still active."""
    schedule = await stored.find(session, schedule_id, lock=True)
    if schedule is None or schedule.state is not ScheduleState.ACTIVE:
        return False
    await schedules.pause(session, schedule_id, _context(schedule, who, now, settings))
    await notify(session, [PausedInPrefect(schedule.user_id, schedule.id, schedule.name, who)], at=now)
    return True


async def adopt_resume(session: AsyncSession, schedule_id: str, *, who: str, now: datetime, settings: Settings) -> bool:
    """Resume a schedule that was paused in Prefect; one paused here stays so. Return whether it was resumed.

    One that does not fit its report any more, or whose owner may not own schedules, stays paused as well, and is paused
    in Prefect again.
    """
    if (seen := await stored.find(session, schedule_id)) is None:
        return False
    # Before the schedule, see `mailroom.storage.locks`.
    await report_repository.find(session, seen.report_id, viewer=SYSTEM, lock=True)
    schedule = await stored.find(session, schedule_id, lock=True)
    if schedule is None or schedule.state is not ScheduleState.PAUSED:
        return False
    last = await audit.latest(session, entity_type="schedule", entity_id=schedule_id, action="paused")
    if last is None or last.actor.split(" ")[0] != PREFECT:
        return False
    try:
        await schedules.resume(session, schedule_id, _context(schedule, who, now, settings))
    except Conflict as refused:
        _LOG.warning("Schedule %s was resumed in Prefect and is paused there again: %s", schedule_id, refused)
        return False
    await notify(session, [ResumedInPrefect(schedule.user_id, schedule.id, schedule.name)], at=now)
    return True


def record_repair(session: AsyncSession, schedule_id: str, *, now: datetime, detail: dict[str, Any]) -> None:
    """Remember what was done by hand in Prefect and undone by us."""
    audit.record(session, ScheduleDriftRepaired(schedule_id, detail), at=now)
