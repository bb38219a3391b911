"""Share a schedule for reading. Each function works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.sharing import Audience, audience_of, replace_subjects, subjects_kept, users_among
from mailroom.audit import repository as audit
from mailroom.audit.member_events import ScheduleShared
from mailroom.context import Context
from mailroom.notifications.ownership_events import Shared
from mailroom.notifications.service import notify
from mailroom.schedules import repository as stored
from mailroom.storage.model.access import ScheduleShare
from mailroom.storage.tables import Schedule


async def read(session: AsyncSession, schedule_id: str, context: Context) -> Audience:
    """Return with whom a schedule is shared.

    Raises:
        NotFound, Forbidden.
    """
    row = await stored.get(session, schedule_id, viewer=context.viewer, doing=Action.SCHEDULE_SHARE)
    return _shown(await subjects_kept(session, ScheduleShare, row.id))


async def replace(session: AsyncSession, schedule_id: str, wanted: Audience, context: Context) -> Audience:
    """Share a schedule with these and nobody else; who shares it with others sees them.

    Raises:
        NotFound, Forbidden, Invalid.
    """
    row = await stored.get(session, schedule_id, viewer=context.viewer, doing=Action.SCHEDULE_SHARE, lock=True)
    before, after = await replace_subjects(session, ScheduleShare, row.id, wanted, viewer=context.viewer)
    if after != before:
        audit.record_by(session, ScheduleShared(row.id, [before, after]), context)
        await _tell(session, row, sorted(set(after) - set(before)), context)
    return _shown(after)


async def _tell(session: AsyncSession, row: Schedule, added: Sequence[str], context: Context) -> None:
    """Tell those with whom the schedule is shared now; the owner, who may be of the team, has it anyway."""
    readers = set(await users_among(session, added)) - {row.user_id} if added else set()
    told = [Shared(user_id, row.id, row.name, context.who) for user_id in sorted(readers)]
    await notify(session, told, at=context.now, by=context.user.id)


def _shown(subjects: list[str]) -> Audience:
    found = audience_of(subjects)
    return Audience(users=found.users, teams=found.teams)
