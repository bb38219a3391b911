"""The links in digests and summaries by which their user stops them (RFC 8058), without a log-in.

Opening one changes nothing, as with the link by which readers unsubscribe.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.actions.links import stopping
from api.http.browser.pages import page
from api.http.dependencies import ServicesDep
from api.web.links.downloads import UNLISTED, gone
from api.web.links.requests import fields_of, visitor_of
from api.web.links.unsubscribe import ONE_CLICK
from mailroom.errors import Gone
from mailroom.links.tokens import Purpose
from mailroom.telling.leaving import PURPOSES, Standing
from mailroom.telling.spec import TellingKind

router = APIRouter(include_in_schema=False)
_KINDS = {purpose: kind for kind, purpose in PURPOSES.items()}
_NOUNS = {TellingKind.DAILY_DIGEST: "the daily digest", TellingKind.WEEKLY_SUMMARY: "the weekly summary"}


@router.api_route(f"/{Purpose.STOP_DIGEST}/{{token}}", methods=["GET", "HEAD"])
@router.api_route(f"/{Purpose.STOP_SUMMARY}/{{token}}", methods=["GET", "HEAD"])
async def show(request: Request, token: str, services: ServicesDep) -> Response:
    """Show whether the user gets such mails, and the button to change it."""
    try:
        return _page(request, await stopping.standing_of(services, _kind(request), token))
    except Gone as error:
        return gone(error)


@router.post(f"/{Purpose.STOP_DIGEST}/{{token}}")
@router.post(f"/{Purpose.STOP_SUMMARY}/{{token}}")
async def change(request: Request, token: str, services: ServicesDep) -> Response:
    """Do what a mail provider or the user asked for. There is no redirect: a mail provider follows none."""
    fields, visitor, kind = await fields_of(request), visitor_of(request), _kind(request)
    try:
        if fields is None or not ({ONE_CLICK[0], "choice"} & fields.keys()):
            return _page(request, await stopping.standing_of(services, kind, token), fault=True)
        is_sent = fields.get("choice") == "send"
        return _page(request, await stopping.choose(services, kind, token, visitor, is_sent=is_sent))
    except Gone as error:
        return gone(error)


def _kind(request: Request) -> TellingKind:
    return _KINDS[Purpose(request.url.path.split("/")[1])]


def _page(request: Request, standing: Standing, *, fault: bool = False) -> HTMLResponse:
    what = _NOUNS[standing.kind]
    status, action = 400 if fault else 200, request.url.path
    answer = page("stop_mails.html", status=status, standing=standing, what=what, action=action, fault=fault)
    answer.headers.update(UNLISTED)
    return answer
