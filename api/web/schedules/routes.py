"""The list of schedules, which is the home page, and the views that people save of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from api.actions.drafts import actions as draft_actions
from api.actions.schedules.home import saved
from api.actions.schedules.home.listing import listing, options
from api.actions.schedules.home.saved import SavedViewSettings
from api.http.dependencies import Id
from api.http.permission import may
from api.http.reading import read as read_as
from api.web import notices, page
from api.web.forms import FormDep
from api.web.parts import Button
from api.web.schedules.asked import HERE, read_asked, today_of
from api.web.schedules.view import view
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Invalid
from mailroom.schedules.listing.repository import Options
from mailroom.storage.database import new_id

router = APIRouter(include_in_schema=False)
ROWS = 50


@router.get("/schedules", openapi_extra=may(Action.SCHEDULE_LIST))
async def show(request: Request, visitor: VisitorDep, seen: str = "") -> Response:
    """Show the list. While a run goes on, it looks every few seconds whether something is new."""
    asked = read_asked(request.query_params)
    today, part = today_of(visitor.now, visitor.when.zone), page.wants_part(request)
    wanted, cursor = asked.filter(visitor.user.id, today), asked.cursor or None
    begun = asked.view == "drafts" and visitor.may(Action.DRAFT_LIST)
    drafts = await draft_actions.page(visitor.caller, cursor=cursor, limit=ROWS) if begun else None
    found = await listing(
        visitor.caller,
        wanted,
        sort=asked.order,
        cursor=None if begun else cursor,
        limit=1 if begun else ROWS,
        today=today,
        part=part,
    )
    # What can be chosen is no part of what is compared, and times that pass are none either.
    told = f"{replace(found, options=Options())} {drafts} {visitor.now:%F %H}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    if part and seen == digest:
        return page.unchanged()
    if part:
        found = replace(found, options=await options(visitor.caller))
    shown = view(found, asked, visitor, drafts=drafts)
    query = {"seen": digest, **({"frame": "1"} if visitor.framed else {})}
    again = f"{shown.here}{'&' if '?' in shown.here else '?'}{urlencode(query)}"
    return await page.render(
        visitor,
        "schedules/page.html",
        part="schedules/live.html",
        title=shown.title,
        v=shown,
        again=again,
        once=new_id(),
        part_only=part,
    )


@router.post("/schedules/views", openapi_extra=may(Action.VIEW_SAVE))
async def save(visitor: VisitorDep, form: FormDep) -> Response:
    """Save the view that the list is in."""
    query = form.text("query")
    try:
        wanted = read_as(SavedViewSettings, {"name": form.text("name"), "query": query})
        kept = await saved.save(visitor.caller, wanted)
    except (Invalid, Conflict) as error:
        said = "Enter a name of at most 60 characters." if isinstance(error, Invalid) else error.message
        await notices.add(visitor, f"The view was not saved. {said}", tone="bad")
        return page.see(visitor, _at(query))
    remove = Button(f"/schedules/views/{kept.id}/delete", "Delete this view", icon="trash-2")
    await notices.add(visitor, f"The view “{kept.name}” is saved; it stands above the list.", undo=remove)
    return page.see(visitor, _at(kept.query))


@router.post("/schedules/views/{view_id}/delete", openapi_extra=may(Action.VIEW_DELETE))
async def delete(view_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Delete a saved view."""
    gone = await saved.delete(visitor.caller, view_id)
    again = Button("/schedules/views", "Undo", {"name": gone.name, "query": gone.query}, "undo-2")
    await notices.add(visitor, f"The view “{gone.name}” is deleted.", undo=again)
    return page.see(visitor, HERE)


def _at(query: str) -> str:
    return f"{HERE}?{query}" if query else HERE
