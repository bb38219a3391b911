"""Change whom a deleted schedule would send to if its deletion were undone. It works in the caller's transaction."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleChanged
from mailroom.context import Context
from mailroom.schedules import lifecycle
from mailroom.schedules.service import keep_keys
from mailroom.schedules.spec import ScheduleSpec, spec_data, store_spec
from mailroom.storage.tables import Schedule


async def rewrite(session: AsyncSession, schedule: Schedule, spec: ScheduleSpec, context: Context) -> None:
    """Store other settings of a deleted schedule that is locked; whether they fit is asked when it comes back."""
    before = spec_data(schedule)
    store_spec(schedule, spec)
    lifecycle.changed(schedule, now=context.now)
    await keep_keys(session, schedule, spec)
    after = spec_data(schedule)
    changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    audit.record_by(session, ScheduleChanged(schedule.id, changes), context)


def give_up(schedule: Schedule, context: Context) -> None:
    """Let the deletion of a schedule that is locked be undone no more."""
    schedule.delete_after = None
    lifecycle.changed(schedule, now=context.now)
