"""Make a business calendar, and change one after its effect was shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from api.actions.apply.marks import mark_of
from api.actions.calendars import actions as calendars
from api.http.dependencies import Id
from api.http.permission import may
from api.http.reading import read as read_as
from api.web import notices, page, words
from api.web.as_code.view import origin
from api.web.calendar import view
from api.web.calendar.form import STARTS, CalendarForm, body, form_of, values_of, values_sent
from api.web.forms import FormDep
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.as_code.spec import Kind
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.schedules.calendar_changes import CalendarSettings, NewCalendar

router = APIRouter(include_in_schema=False)
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RESERVED = "new"
"""The page of a calendar of this id has another use."""


@router.get("/calendars/new", openapi_extra=may(Action.CALENDAR_CREATE))
async def begin(visitor: VisitorDep, start: Annotated[str, Query(max_length=40)] = "country") -> HTMLResponse:
    """Show the form of a new calendar, filled in by what it starts from."""
    return await _form(visitor, form_of(STARTS.get(start, STARTS["country"]), is_new=True))


@router.post("/calendars/new", openapi_extra=may(Action.CALENDAR_CREATE))
async def create(visitor: VisitorDep, form: FormDep) -> Response:
    """Make a calendar."""
    values = values_sent(form)
    try:
        if values["id"] == RESERVED or not _ID.fullmatch(values["id"]):
            raise Invalid.at("id", "This cannot be an id.", "Use lower-case letters, digits and hyphens.")
        made = await calendars.create(visitor.caller, read_as(NewCalendar, {"id": values["id"], **body(values)}))
    except (Invalid, Conflict) as error:
        refused = form_of(values, faults=_faults(error, "id"), is_new=True)
        return await _form(visitor, refused, status=409 if isinstance(error, Conflict) else 422)
    await notices.add(visitor, f"The calendar {made.title} is made.")
    return page.see(visitor, f"/calendars/{made.id}")


@router.get("/calendars/{calendar_id}/edit", openapi_extra=may(Action.CALENDAR_CHANGE))
async def edit(calendar_id: Id, visitor: VisitorDep) -> HTMLResponse:
    """Show the form of a calendar."""
    found = await calendars.read(visitor.caller, calendar_id)
    return await _form(visitor, form_of(values_of(found), etag=found.etag), calendar_id, found.title)


@router.post("/calendars/{calendar_id}/edit", openapi_extra=may(Action.CALENDAR_CHANGE))
async def save(calendar_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Say what the change would move; once that is agreed to, or where it moves nothing, save it."""
    found = await calendars.read(visitor.caller, calendar_id)
    values, etag = values_sent(form), form.etag or found.etag
    if form.has("again"):
        return await _form(visitor, form_of(values, etag=etag), calendar_id, found.title)
    try:
        wanted = read_as(CalendarSettings, body(values))
        if not form.has("confirmed"):
            effect = await calendars.effect(visitor.caller, calendar_id, wanted, if_match=etag)
            if effect.used_by:
                return await _effect(visitor, calendar_id, view.effect(effect, visitor.when, values, etag), found.title)
        await calendars.replace(visitor.caller, calendar_id, wanted, if_match=etag)
    except Invalid as error:
        refused = form_of(values, faults=error.faults, etag=etag)
        return await _form(visitor, refused, calendar_id, found.title, status=422)
    except Conflict:
        return await _conflict(visitor, calendar_id, values)
    await notices.add(visitor, f"The calendar {values['title']} is saved.")
    return page.see(visitor, f"/calendars/{calendar_id}")


async def _conflict(visitor: Visitor, calendar_id: str, values: Mapping[str, Any]) -> HTMLResponse:
    """Show what was typed beside what somebody else has saved meanwhile."""
    found = await calendars.read(visitor.caller, calendar_id)
    there = values_of(found)
    labels = {"title": "Name", "place": "Public holidays of", "weekend": "Days off in each week"}
    labels |= {"holidays": "Further days off", "working_days": "Worked all the same"}
    differences = [
        (label, _words(values.get(name)), _words(there[name]))
        for name, label in labels.items()
        if _words(values.get(name)) != _words(there[name])
    ]
    form = form_of(values, etag=found.etag)
    return await _form(visitor, form, calendar_id, found.title, status=409, differences=differences)


def _words(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def _faults(error: Invalid | Conflict, field: str) -> list[Fault]:
    return error.faults if isinstance(error, Invalid) else [Fault(field, error.message, error.remedy)]


async def _form(
    visitor: Visitor,
    form: CalendarForm,
    calendar_id: str = "",
    title: str = "",
    *,
    status: int = 200,
    differences: list[tuple[str, str, str]] | None = None,
) -> HTMLResponse:
    heading = f"Edit {title}" if calendar_id else "New calendar"
    mark = await mark_of(visitor.caller, Kind.CALENDAR, calendar_id) if calendar_id else None
    return await page.render(
        visitor,
        "calendar/edit.html",
        title=f"Error: {heading}" if form.faults or differences is not None else heading,
        status=status,
        form=form,
        heading=heading,
        origin=origin(mark, visitor.when),
        href=f"/calendars/{calendar_id}" if calendar_id else "",
        action=f"/calendars/{calendar_id}/edit" if calendar_id else "/calendars/new",
        differences=differences,
    )


async def _effect(visitor: Visitor, calendar_id: str, effect: view.Effect, title: str) -> HTMLResponse:
    return await page.render(
        visitor,
        "calendar/effect.html",
        title=f"Save {title}?",
        effect=effect,
        name=title,
        href=f"/calendars/{calendar_id}",
        counted=words.count(len(effect.moves), "schedule"),
    )
