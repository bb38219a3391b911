"""Serve the list of business calendars."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.actions.calendars import actions as calendars
from api.http.permission import may
from api.web import page
from api.web.calendars import view
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action

router = APIRouter(include_in_schema=False)


@router.get("/calendars", openapi_extra=may(Action.CALENDAR_LIST))
async def listed(visitor: VisitorDep) -> HTMLResponse:
    """Show the calendars, and how many schedules are on each."""
    found = await calendars.every(visitor.caller, with_uses=True)
    shown = view.page(found.items, visitor.when, may_create=visitor.may(Action.CALENDAR_CREATE))
    return await page.render(visitor, "calendars/page.html", title="Calendars", page=shown)
