"""Look at business calendars and change them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.calendars.views import CalendarDetail, CalendarUsersView, CalendarView, CountryView, EffectView
from api.actions.caller import Caller, Remember, forget
from api.actions.view import PageView
from mailroom.calendars import repository as calendars
from mailroom.calendars.spec import CalendarDefinition
from mailroom.calendars.spec import countries as known_countries
from mailroom.context import Context
from mailroom.schedules import calendar_changes
from mailroom.schedules.calendar_changes import CalendarSettings, NewCalendar
from mailroom.schedules.calendar_effect import effect as calendar_effect
from mailroom.schedules.calendar_effect import users as calendar_users
from mailroom.storage.tables import Calendar


async def every(caller: Caller, *, with_uses: bool = False) -> PageView[CalendarView]:
    """Return every calendar by title, without its days; with how many schedules are on each, if that is wanted."""
    async with caller.session() as session:
        rows = await calendars.every(session, viewer=caller.viewer)
        counts = await calendars.counts(session, viewer=caller.viewer) if with_uses else None
    views = [_view(row) for row in rows]
    if counts is not None:
        views = [view.model_copy(update={"used_by": counts.get(view.id, 0)}) for view in views]
    return PageView(items=views)


def countries() -> PageView[CountryView]:
    """Return the countries whose public holidays are known."""
    found = known_countries().items()
    return PageView(items=[CountryView(country=code, subdivisions=list(parts)) for code, parts in found])


async def read(caller: Caller, calendar_id: str) -> CalendarDetail:
    """Return one calendar with its holidays of the coming year.

    Raises:
        NotFound: there is none of that id.
    """
    async with caller.session() as session:
        return _detail(await calendars.get(session, calendar_id, viewer=caller.viewer), caller.context)


async def users(caller: Caller, calendar_id: str) -> CalendarUsersView:
    """Return the schedules that are on a calendar: named as far as the caller may see them, else counted.

    Raises:
        NotFound: there is none of that id.
    """
    async with caller.session() as session:
        found = await calendar_users.of_calendar(session, calendar_id, viewer=caller.viewer)
        return CalendarUsersView.model_validate(found)


async def create(caller: Caller, wanted: NewCalendar, remember: Remember[CalendarDetail] = forget) -> CalendarDetail:
    """Store a new calendar.

    Raises:
        Conflict: the id is in use.
    """

    async def change(session: AsyncSession) -> CalendarDetail:
        view = _detail(await calendar_changes.create(session, wanted, caller.context), caller.context)
        await remember(session, view)
        return view

    return await caller.transact(change)


async def replace(
    caller: Caller, calendar_id: str, wanted: CalendarSettings, *, if_match: str | None
) -> CalendarDetail:
    """Replace a calendar's days; every schedule that uses it moves with it.

    Raises:
        NotFound, Conflict.
    """

    async def change(session: AsyncSession) -> CalendarDetail:
        row = await calendar_changes.replace(session, calendar_id, wanted, caller.context, if_match=if_match)
        return _detail(row, caller.context)

    return await caller.transact(change)


async def effect(
    caller: Caller, calendar_id: str, wanted: CalendarSettings, *, if_match: str | None = None
) -> EffectView:
    """Return what a change of a calendar would move. Nothing is stored.

    Raises:
        NotFound, Forbidden, Conflict.
    """
    async with caller.session() as session:
        found = await calendar_effect.of_change(session, calendar_id, wanted, caller.context, if_match=if_match)
        return EffectView.model_validate(found)


async def delete(caller: Caller, calendar_id: str, *, if_match: str | None) -> None:
    """Delete a calendar that no schedule uses.

    Raises:
        NotFound, Conflict.
    """
    await caller.transact(
        lambda session: calendar_changes.delete(session, calendar_id, caller.context, if_match=if_match)
    )


def _view(row: Calendar) -> CalendarView:
    return CalendarView(id=row.id, title=row.title, etag=calendar_changes.etag(row), updated_at=row.updated_at)


def _detail(row: Calendar, context: Context) -> CalendarDetail:
    definition = CalendarDefinition.model_validate(row.definition)
    ahead = definition.days_off(context.now.date())
    return CalendarDetail(
        **_view(row).model_dump(), **definition.model_dump(), days_off=[day.model_dump() for day in ahead]
    )
