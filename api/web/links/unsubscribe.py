"""The link in each mail by which its recipient stops such mails (RFC 8058).

Opening it changes nothing, since programs open each link of a mail to look at it. A mail provider posts
`List-Unsubscribe=One-Click` to it when its user presses the button; the page here posts what the person chose. Neither
brings a cookie or needs one: whoever has the link may do this, and nothing else.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.actions.links import visitors
from api.http.browser.pages import page
from api.http.dependencies import ServicesDep
from api.web.links.downloads import UNLISTED, gone
from api.web.links.requests import fields_of, visitor_of
from mailroom.errors import Gone
from mailroom.links.tokens import Purpose
from mailroom.links.unsubscribe import Choice, Standing

router = APIRouter(prefix=f"/{Purpose.UNSUBSCRIBE}", include_in_schema=False)
ONE_CLICK = ("List-Unsubscribe", "One-Click")
"""The field that a mail provider sends, and its value."""


@router.api_route("/{token}", methods=["GET", "HEAD"])
async def show(token: str, services: ServicesDep) -> Response:
    """Show what the person of a link gets, and the buttons to change it."""
    try:
        return _page(token, await visitors.standing_of(services, token))
    except Gone as error:
        return gone(error)


@router.post("/{token}")
async def change(request: Request, token: str, services: ServicesDep) -> Response:
    """Do what a mail provider or the person asked for. There is no redirect: a mail provider follows none."""
    fields, visitor = await fields_of(request), visitor_of(request)
    try:
        if fields is None:
            return _page(token, await visitors.standing_of(services, token), fault=True)
        name, value = ONE_CLICK
        if fields.get(name) == value:
            return _page(token, await visitors.stop(services, token, Choice.REPORT, visitor))
        if fields.get("undo") == "1":
            return _page(token, await visitors.start_again(services, token, visitor))
        if fields.get("choice") in set(Choice):
            return _page(token, await visitors.stop(services, token, Choice(fields["choice"]), visitor))
        return _page(token, await visitors.standing_of(services, token), fault=True)
    except Gone as error:
        return gone(error)


def _page(token: str, standing: Standing, *, fault: bool = False) -> HTMLResponse:
    action = f"/{Purpose.UNSUBSCRIBE}/{token}"
    answer = page("unsubscribe.html", status=400 if fault else 200, action=action, standing=standing, fault=fault)
    answer.headers.update(UNLISTED)
    return answer
