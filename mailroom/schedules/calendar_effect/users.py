"""Find the schedules that are on a business calendar, for somebody who looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.calendars import repository as calendars
from mailroom.schedules import repository as schedules
from mailroom.storage.tables import Schedule

MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Users:
    """The schedules on a calendar, by name; `more` are not the viewer's to see, or over 100."""

    schedules: Sequence[Schedule]
    more: int


async def of_calendar(session: AsyncSession, calendar_id: str, *, viewer: Viewer) -> Users:
    """Return the schedules (not deleted) on a calendar, as far as the viewer may see them.

    Raises:
        NotFound: there is no such calendar.
    """
    row = await calendars.get(session, calendar_id, viewer=viewer)
    found = await calendars.users_of(session, row.id)
    seen = await schedules.visible_among(session, [one.id for one in found], viewer=viewer)
    named = [one for one in found if one.id in seen][:MOST_NAMED]
    return Users(named, len(found) - len(named))
