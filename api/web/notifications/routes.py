"""The page of notifications: what one was told, marked as read, and silence about a schedule."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.actions.notifications import actions, mutes
from api.actions.notifications.actions import ReadRequest
from api.actions.notifications.shown import shown
from api.http.dependencies import Cursor, Id
from api.http.permission import may
from api.web import notices, page
from api.web.forms import FormDep
from api.web.notifications import view
from api.web.notifications.item import HOME, MUTES, Asked, unmute
from api.web.page import HEADERS, TEMPLATES
from api.web.visitor import VisitorDep
from api.web.words import count
from mailroom.access.permissions import Action
from mailroom.errors import Invalid
from mailroom.notifications.mutes import MuteRequest

router = APIRouter(prefix=HOME, include_in_schema=False)
ROWS = 50
_LATEST = 5


@router.get("", openapi_extra=may(Action.NOTIFICATION_LIST))
async def show(
    visitor: VisitorDep,
    cursor: Cursor = None,
    unread: bool = False,
    schedule: Annotated[str, Query(max_length=36)] = "",
) -> HTMLResponse:
    """Show what the visitor was told, newest first."""
    asked = Asked(unread, schedule, cursor or "")
    found = await shown(visitor.caller, new=unread, schedule_id=schedule or None, cursor=cursor, limit=ROWS)
    told = view.page_of(asked, found, visitor.when)
    return await page.render(visitor, "notifications/page.html", title=told.title, told=told)


@router.get("/latest", openapi_extra=may(Action.NOTIFICATION_LIST))
async def latest(visitor: VisitorDep) -> Response:
    """Return the list below the bell; without a script, its address leads to the page."""
    if not page.wants_part(visitor.request):
        return page.see(visitor, HOME)
    found = await shown(visitor.caller, limit=_LATEST, routes=False)
    items = view.latest_of(found, visitor.when)
    return HTMLResponse(TEMPLATES.get_template("notifications/latest.html").render(items=items), headers=HEADERS)


@router.post("/read", openapi_extra=may(Action.NOTIFICATION_MARK_ALL))
async def read_all(visitor: VisitorDep, form: FormDep) -> Response:
    """Mark all that the page has shown, and what is older, as read."""
    given = {"until": form.text("until") or None, "schedule_id": form.text("schedule") or None}
    try:
        wanted = ReadRequest.model_validate(given)
    except ValidationError as error:
        raise Invalid.from_validation(error) from error
    marked = (await actions.mark_all(visitor.caller, wanted)).marked
    told = f"{count(marked, 'notification')} marked as read." if marked else "There was nothing new."
    await notices.add(visitor, told)
    return page.see(visitor, form.text("back") or HOME)


@router.post("/mutes", openapi_extra=may(Action.NOTIFICATION_MUTE))
async def mute(visitor: VisitorDep, form: FormDep) -> Response:
    """Be silent about a schedule."""
    words, length = MUTES.get(form.text("for"), MUTES[""])
    until = visitor.now + length if length is not None else None
    try:
        wanted = MuteRequest(schedule_id=form.text("schedule"), until=until)
    except ValidationError as error:
        raise Invalid.from_validation(error) from error
    muted = await mutes.mute(visitor.caller, wanted)
    back = form.text("back") or HOME
    told = f"{muted.schedule_name} is muted {words}. What happens to it is marked as read."
    await notices.add(visitor, told, undo=unmute(muted.schedule_id, back))
    return page.see(visitor, back)


@router.post("/mutes/{muted_id}/end", openapi_extra=may(Action.NOTIFICATION_MUTE))
async def end_mute(muted_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Be told about a schedule again."""
    await mutes.unmute(visitor.caller, muted_id)
    await notices.add(visitor, "You are told about this schedule again.")
    return page.see(visitor, form.text("back") or HOME)


@router.post("/{notification_id}/read", openapi_extra=may(Action.NOTIFICATION_MARK))
async def mark_read(notification_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Mark one as read."""
    await actions.mark(visitor.caller, notification_id, read=True)
    return page.see(visitor, form.text("back") or HOME)


@router.post("/{notification_id}/unread", openapi_extra=may(Action.NOTIFICATION_MARK))
async def mark_unread(notification_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Mark one as new again."""
    await actions.mark(visitor.caller, notification_id, read=False)
    return page.see(visitor, form.text("back") or HOME)
