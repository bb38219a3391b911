"""Ask whether its owner may have one schedule more where a finished one begins again, and count runs at once."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.context import Context
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from mailroom.schedules.spec import ScheduleSpec, spec_data
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule
from mailroom.timing.model import Immediate


async def take_if_finished(
    session: AsyncSession, schedule: Schedule, spec: ScheduleSpec, context: Context
) -> str | None:
    """Make sure that its owner may have one more where a finished schedule begins again; return who that is."""
    if isinstance(spec.timing, Immediate):
        await limits.hold_budget(session, context, Budget.RUNS)
    if schedule.state is not ScheduleState.FINISHED or not begins_again(schedule, spec):
        return None
    owner = await users.find(session, schedule.user_id)
    assert owner is not None, "users are never removed"
    await limits.take_schedule(session, owner, context.settings)
    return owner.id


def begins_again(schedule: Schedule, spec: ScheduleSpec) -> bool:
    """Tell whether a finished schedule becomes active with this spec: it has due times in the future again."""
    changed = spec.timing.model_dump(mode="json") != spec_data(schedule)["timing"]
    return changed or not isinstance(spec.timing, Immediate)
