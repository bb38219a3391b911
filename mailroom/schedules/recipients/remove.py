"""Take a person off a schedule, as an ordinary change of it. It works in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.context import Context
from mailroom.notifications.events import PausedWithoutRecipients
from mailroom.notifications.service import notify
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.schedules.deletions import change as deletions
from mailroom.schedules.spec import ScheduleSpec, stored_spec
from mailroom.states import ScheduleState
from mailroom.storage.contention import Overtaken


class Removal(StrEnum):
    """The end of a removal: the schedule is `changed`; or it is `paused`, since nobody else would get anything of it.

    `kept`: nobody else would get anything of it, and nothing is sent for it anyway, so it stays as it is.
    `gone`: it was deleted, nobody else would get anything of it, and now its deletion cannot be undone any more.
    """

    CHANGED = "changed"
    PAUSED = "paused"
    KEPT = "kept"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Removed:
    """A schedule without the person, or one that is `paused`, `kept` as it is, or `gone`."""

    schedule_id: str
    name: str
    removal: Removal


async def remove(session: AsyncSession, schedule_id: str, address: str, context: Context) -> Removed:
    """Let a schedule not send to this address any more; nor a deleted one whose deletion can still be undone.

    Raises:
        NotFound, Forbidden: see the other changes of a schedule.
        Invalid: what is left of the schedule could not be saved, such as when its connection is gone.
    """
    doing = Action.SCHEDULE_CHANGE
    now = context.now
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, undoable_at=now)
    if schedule.state is ScheduleState.DELETED:
        return await _of_deleted(session, schedule_id, address, context)
    if (left := without(stored_spec(schedule), address)) is not None:
        schedule = await schedules.replace(session, schedule_id, left, context, if_match=None, known_recipients=True)
        return Removed(schedule.id, schedule.name, Removal.CHANGED)
    if schedule.state not in (ScheduleState.ACTIVE, ScheduleState.SUSPENDED):
        return Removed(schedule.id, schedule.name, Removal.KEPT)
    schedule = await schedules.pause(session, schedule_id, context)
    await notify(session, [PausedWithoutRecipients(schedule.user_id, schedule.id, schedule.name)], at=context.now)
    return Removed(schedule.id, schedule.name, Removal.PAUSED)


async def _of_deleted(session: AsyncSession, schedule_id: str, address: str, context: Context) -> Removed:
    now, doing = context.now, Action.SCHEDULE_CHANGE
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, lock=True, undoable_at=now)
    if schedule.state is not ScheduleState.DELETED:
        raise Overtaken
    left = without(stored_spec(schedule), address)
    if left is None:
        deletions.give_up(schedule, context)
        return Removed(schedule.id, schedule.name, Removal.GONE)
    await deletions.rewrite(session, schedule, left, context)
    return Removed(schedule.id, schedule.name, Removal.CHANGED)


def without(spec: ScheduleSpec, address: str) -> ScheduleSpec | None:
    """Return the schedule without this address, or None where no destination would be left. Pure."""
    left = [kept for target in spec.targets() if (kept := target.without(address)) is not None]
    if not left:
        return None
    return spec.model_copy(update={"destinations": [target.model_dump(mode="json") for target in left]})
