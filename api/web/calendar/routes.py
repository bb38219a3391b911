"""Serve the page of one business calendar, and its deletion."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from api.actions.calendars import actions as calendars
from api.http.dependencies import Id
from api.http.permission import may
from api.web import notices, page
from api.web.calendar import view
from api.web.forms import FormDep
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Conflict

router = APIRouter(include_in_schema=False)


@router.get("/calendars/{calendar_id}", openapi_extra=may(Action.CALENDAR_READ))
async def show(
    calendar_id: Id, visitor: VisitorDep, year: Annotated[int | None, Query(ge=1970, le=2199)] = None
) -> HTMLResponse:
    """Show a calendar: what it says, a year of it, and who is on it."""
    found = await calendars.read(visitor.caller, calendar_id)
    shown = view.page(
        found,
        visitor.when,
        used=await calendars.users(visitor.caller, calendar_id),
        year=year,
        may_change=visitor.may(Action.CALENDAR_CHANGE, of_thing=True),
        may_delete=visitor.may(Action.CALENDAR_DELETE, of_thing=True),
    )
    return await page.render(visitor, "calendar/page.html", title=f"{found.title} · Calendars", page=shown)


@router.get("/calendars/{calendar_id}/delete", openapi_extra=may(Action.CALENDAR_DELETE))
async def ask_to_delete(calendar_id: Id, visitor: VisitorDep) -> HTMLResponse:
    """Ask before a calendar is deleted, or say which schedules are on it."""
    return await _deletion(visitor, calendar_id)


@router.post("/calendars/{calendar_id}/delete", openapi_extra=may(Action.CALENDAR_DELETE))
async def delete(calendar_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Delete a calendar that no schedule is on."""
    found = await calendars.read(visitor.caller, calendar_id)
    try:
        await calendars.delete(visitor.caller, calendar_id, if_match=form.etag)
    except Conflict as error:
        if error.stale:
            raise
        return await _deletion(visitor, calendar_id, status=409)
    await notices.add(visitor, f"The calendar {found.title} is deleted.")
    return page.see(visitor, "/calendars")


async def _deletion(visitor: Visitor, calendar_id: str, status: int = 200) -> HTMLResponse:
    found = await calendars.read(visitor.caller, calendar_id)
    return await page.render(
        visitor,
        "calendar/delete.html",
        title=f"Delete {found.title}?",
        status=status,
        calendar=found,
        users=view.users(await calendars.users(visitor.caller, calendar_id)),
    )
