"""Render a page, or only the part of it that htmx asked for, and lead on after a form."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.actions.notifications.actions import unread
from api.http import read_only
from api.http.browser.redirects import framed, safe_next, unframed
from api.web import embedding, notices, when, words
from api.web.assets import icon, url
from api.web.notifications.bell import bell_of
from api.web.visitor import Visitor
from mailroom.members import notices as kept

FOLDER = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
TEMPLATES.globals.update(url=url, icon=icon, count=words.count, kind_icon=words.kind_icon, unframed=unframed)
TEMPLATES.filters.update(bytes=when.size, seconds=when.duration)
HEADERS = {"Cache-Control": "private, no-cache", "Vary": "HX-Request, HX-Request-Type, Cookie"}
"""Back must never show a part of a page, nor somebody else's page."""


async def render(
    visitor: Visitor, template: str, /, *, title: str, part: str = "", status: int = 200, **values: Any
) -> HTMLResponse:
    """Return a page.

    Args:
        template: the file below `api/web`, which extends `base/layout.html`.
        title: the title without "– Mailroom"; it may begin with what is wrong, such as "3 failing · Schedules".
        part: the template of the part that htmx gets alone if it asks for a part of a page.
    """
    shown = () if part and wants_part(visitor.request) else notices.read(list(visitor.stored_notices), visitor.now)
    name = part if part and wants_part(visitor.request) else template
    # A part has no header, and neither has a page in a frame.
    bell = None if visitor.framed or name == part else bell_of(await unread(visitor.caller))
    why = await read_only.reason(visitor.services)
    html = TEMPLATES.get_template(name).render(
        visitor=visitor, title=title, notices=shown, bell=bell, read_only=why, **values
    )
    await _forget(visitor, {one.id for one in shown if one.undo is None})
    return HTMLResponse(embedding.keep(html) if visitor.framed else html, status, HEADERS)


def wants_part(request: Request) -> bool:
    """Tell whether htmx asks for a part of a page."""
    return request.headers.get("hx-request-type") == "partial"


def unchanged() -> Response:
    """Return the answer to a poll after which nothing is new; the page stays as it is."""
    return Response(status_code=204, headers=HEADERS)


def see(visitor: Visitor, path: str, **query: str | None) -> Response:
    """Lead to another page after a form. Within a frame it stays framed."""
    given = urlencode({name: value for name, value in query.items() if value is not None})
    target, mark, place = safe_next(path).partition("#")
    if given:
        target += ("&" if "?" in target else "?") + given
    target += mark + place
    target = framed(target) if visitor.framed else target
    return RedirectResponse(target, 303, {"Cache-Control": "no-store"})


async def _forget(visitor: Visitor, ids: set[str]) -> None:
    session_id = visitor.caller.session_id
    if ids and session_id is not None:
        await visitor.caller.transact(lambda session: kept.remove(session, session_id, ids))
