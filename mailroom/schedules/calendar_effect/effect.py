"""Say what a change of a business calendar would move, before it is saved. Nothing is stored here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.calendars import repository as calendars
from mailroom.calendars.spec import CalendarDefinition
from mailroom.context import Context
from mailroom.schedules import repository as schedules
from mailroom.schedules.calendar_changes import CalendarSettings, etag
from mailroom.schedules.calendar_effect.difference import first_difference
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule
from mailroom.timing import TIMING, BusinessCalendar
from mailroom.versions import check_etag

MOST_LOOKED_AT = 300
"""So many schedules are worked out; a calendar with more of them says how many were not."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The first due time of a schedule that a change moves.

    Attributes:
        was, becomes: when it is due by the old calendar and by the new one; None where it falls away, or is new.
    """

    schedule_id: str
    name: str
    timezone: str
    was: datetime | None
    becomes: datetime | None

    @property
    def first(self) -> datetime:
        """Return when something is first different."""
        return min(at for at in (self.was, self.becomes) if at is not None)


@dataclass(frozen=True, slots=True)
class Effect:
    """Hold what a change of a calendar moves.

    Attributes:
        used_by: how many schedules are on the calendar.
        moved: those whose due times within a year differ and that the viewer may see, the earliest change first.
        hidden: how many more move that the viewer may not see.
        not_looked_at: how many were too many to work out.
    """

    used_by: int
    moved: list[Moved]
    hidden: int = 0
    not_looked_at: int = 0

    @property
    def count(self) -> int:
        """Return how many schedules move."""
        return len(self.moved) + self.hidden


async def of_change(
    session: AsyncSession, calendar_id: str, wanted: CalendarSettings, context: Context, *, if_match: str | None = None
) -> Effect:
    """Return what a change of the calendar would move.

    Raises:
        NotFound, Forbidden.
        Conflict: `if_match` is stale.
    """
    row = await calendars.get(session, calendar_id, viewer=context.viewer, doing=Action.CALENDAR_CHANGE)
    check_etag(etag(row), if_match, noun="calendar")
    users = await calendars.users_of(session, calendar_id)
    active = [one for one in users if one.state is ScheduleState.ACTIVE]
    looked_at = active[:MOST_LOOKED_AT]
    before = CalendarDefinition.model_validate(row.definition).business()
    # Too long for an event loop that others share, when they are hundreds.
    moved = await asyncio.to_thread(_all_moved, looked_at, before, wanted.business(), context.now)
    seen = await schedules.visible_among(session, [one.schedule_id for one in moved], viewer=context.viewer)
    shown = sorted((one for one in moved if one.schedule_id in seen), key=lambda one: (one.first, one.name))
    return Effect(len(users), shown, len(moved) - len(shown), len(active) - len(looked_at))


def _all_moved(
    rows: Sequence[Schedule], before: BusinessCalendar, after: BusinessCalendar, now: datetime
) -> list[Moved]:
    found = []
    for row in rows:
        timing = TIMING.validate_python(row.schedule_config)
        if pair := first_difference(timing, before, after, now=now):
            found.append(Moved(row.id, row.name, timing.timezone, *pair))
    return found
