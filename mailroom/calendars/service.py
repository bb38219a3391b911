"""Reads business calendars for the calculator from the database."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer
from mailroom.calendars import repository as calendar_repository
from mailroom.calendars.spec import CalendarDefinition
from mailroom.errors import Invalid
from mailroom.timing import BusinessCalendar


async def chosen_calendar(
    session: AsyncSession, calendar_id: str | None, *, viewer: Viewer, lock: bool = False
) -> BusinessCalendar:
    """Return the calendar that a user has chosen, or Monday to Friday for None; `lock` keeps it as it is meanwhile.

    Raises:
        Invalid: there is none of that id, for this viewer.
    """
    allowed = viewer.may(Action.CALENDAR_READ, Relation.SHARED)
    return await business_calendar(session, calendar_id, lock=lock, exists=allowed)


async def business_calendar(
    session: AsyncSession, calendar_id: str | None, *, lock: bool = False, exists: bool = True
) -> BusinessCalendar:
    """Return the calendar of a stored schedule, see `chosen_calendar` for one that a user names.

    Raises:
        Invalid: there is none of that id.
    """
    if calendar_id is None:
        return BusinessCalendar()
    row = await calendar_repository.find(session, calendar_id, lock=lock) if exists else None
    if row is None:
        message = f"There is no calendar '{calendar_id[:80]}'."
        raise Invalid.at("timing.calendar", message, "GET /api/v1/calendars lists them.", code="no_calendar")
    return CalendarDefinition.model_validate(row.definition).business()


async def business_calendars(session: AsyncSession, ids: Iterable[str]) -> dict[str, BusinessCalendar]:
    """Return the calendars among these ids that exist, by one query."""
    rows = await calendar_repository.named(session, ids)
    return {key: CalendarDefinition.model_validate(row.definition).business() for key, row in rows.items()}
