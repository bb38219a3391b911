"""The log-in page, and the ways in: a password, the identity provider, a one-time link."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.actions.login import links, oidc
from api.actions.login.flow import LASTS
from api.actions.login.password import by_password
from api.actions.login.sessions import LogInRefused
from api.http.browser import cookies, csrf
from api.http.browser.cookies import Cookie
from api.http.browser.pages import STYLE, message_page, page
from api.http.browser.redirects import HOME, framed, is_framed, safe_next, unframed
from api.http.dependencies import ServicesDep
from api.services import Services
from api.web import refusals
from api.web.login.requests import browser_of, form_of, is_too_plain, too_plain
from mailroom.access import secrets_kept
from mailroom.errors import Gone, Invalid, Unavailable
from mailroom.members.links import Purpose
from mailroom.members.passwords import SHORTEST
from mailroom.members.throttle import Throttled
from prefect_mailroom.errors import MailroomError

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=4096)]


@router.get("/mailroom.css")
async def style() -> Response:
    """Serve the style of our pages."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/login")
async def show(request: Request, services: ServicesDep, next: Text = "") -> Response:  # noqa: A002  the name in the URL
    """Show the log-in page."""
    return too_plain() if is_too_plain(request, services) else _form(request, services, next_=next)


@router.post("/login")
async def log_in(request: Request, services: ServicesDep) -> Response:
    """Log in with a password."""
    if is_too_plain(request, services):
        return too_plain()
    form = await form_of(request)
    email, wanted = form.get("email", "")[:320], form.get("next", "")
    try:
        secret = await by_password(services, email, form.get("password", ""), browser_of(request, services))
    except (LogInRefused, Throttled) as error:
        throttled = isinstance(error, Throttled)
        told = f"{error.message} {error.remedy}"
        answer = _form(request, services, next_=wanted, fault=told, email=email, status=429 if throttled else 401)
        if isinstance(error, Throttled):
            answer.headers["Retry-After"] = str(round(error.not_before))
        return answer
    return _entered(request, services, secret, wanted)


@router.get("/login/oidc")
async def begin(request: Request, services: ServicesDep, next: Text = "") -> Response:  # noqa: A002  the name in the URL
    """Send the browser to the identity provider."""
    settings = services.settings
    if is_too_plain(request, services):
        return too_plain()
    if not oidc.is_offered(settings):
        return message_page("Not set up", "There is no identity provider here.", status=404)
    browser = browser_of(request, services)
    try:
        url, kept = await oidc.begin_flow(services, safe_next(next), now=browser.now)
    except Unavailable as error:
        return _message("The identity provider does not answer", error, status=503)
    answer = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    cookies.write(answer, request.scope, settings, Cookie.FLOW, kept, seconds=int(LASTS.total_seconds()))
    return answer


@router.get(oidc.CALLBACK)
async def come_back(
    request: Request,
    services: ServicesDep,
    code: Text = "",
    state: Text = "",
    error: Text = "",
    iss: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Take back the browser from the identity provider."""
    settings = services.settings
    if is_too_plain(request, services):
        return too_plain()
    if error:
        told = error if re.fullmatch(r"[a-z_]{1,60}", error) else "an error"
        return message_page("Not logged in", f"The identity provider answered: {told}.", status=403)
    kept = cookies.read(request.scope, settings, Cookie.FLOW)
    browser = browser_of(request, services)
    try:
        secret, wanted = await oidc.end_flow(services, code=code, state=state, issuer=iss, cookie=kept, browser=browser)
    except LogInRefused as refused:
        answer: Response = _message("Not logged in", refused, status=403)
    except Unavailable as away:
        answer = _message("The identity provider does not answer", away, status=503)
    else:
        answer = _entered(request, services, secret, wanted)
    # What came back once is not taken again.
    cookies.clear(answer, request.scope, settings, Cookie.FLOW)
    return answer


@router.get(links.PATH)
async def show_link(request: Request, services: ServicesDep, token: Text = "", frame: Text = "") -> Response:
    """Show what a one-time link is for. It is used by the form alone: mail programs open links to look at them."""
    if is_too_plain(request, services):
        return too_plain()
    try:
        purpose = await links.purpose_of(services, token, now=browser_of(request, services).now)
    except Gone as error:
        return _message("This link does not work", error, status=410)
    return _link(request, services, token, purpose, in_frame=frame == "1")


@router.post(links.PATH)
async def use_link(request: Request, services: ServicesDep) -> Response:
    """Use a one-time link up."""
    if is_too_plain(request, services):
        return too_plain()
    form, browser = await form_of(request), browser_of(request, services)
    token, password, in_frame = form.get("token", ""), form.get("password"), form.get("frame") == "1"
    try:
        if password is None:
            secret = await links.by_link(services, token, browser)
        else:
            secret = await links.set_password(services, token, password, browser)
    except Gone as error:
        return _message("This link does not work", error, status=410)
    except Invalid as error:
        told = " ".join(refusals.of_fault(fault).sentence for fault in error.faults)
        return _link(request, services, token, Purpose.RESET, fault=told, status=422, in_frame=in_frame)
    return _entered(request, services, secret, framed(HOME) if in_frame else "")


def _form(
    request: Request, services: Services, *, next_: str, fault: str = "", email: str = "", status: int = 200
) -> HTMLResponse:
    settings = services.settings
    provider, local = oidc.is_offered(settings), settings.local_log_in
    wanted = safe_next(next_)
    values = {"next": wanted, "fault": fault, "email": email, "provider": provider, "local": local}
    # The browser that shows this page within a frame may keep no cookies there.
    outside = unframed(wanted) if is_framed(wanted) else ""
    return _with_token(request, services, "login.html", status, unframed=outside, **values)


def _link(
    request: Request,
    services: Services,
    secret: str,
    purpose: Purpose,
    *,
    fault: str = "",
    status: int = 200,
    in_frame: bool = False,
) -> HTMLResponse:
    values = {"secret": secret, "sets_password": purpose is Purpose.RESET, "fault": fault, "shortest": SHORTEST}
    outside = f"{links.PATH}?{urlencode({'token': secret})}" if in_frame else ""
    return _with_token(request, services, "link.html", status, unframed=outside, **values)


def _message(title: str, error: MailroomError, *, status: int) -> HTMLResponse:
    """Return a page that says in the words of pages why nobody was logged in."""
    found = refusals.words(error)
    return message_page(title, found.message, found.remedy, status=status)


def _with_token(
    request: Request, services: Services, name: str, status: int, *, unframed: str, **values: object
) -> HTMLResponse:
    """Return a page with a form, and set the cookie that its token belongs to."""
    kept = cookies.read(request.scope, services.settings, Cookie.FORM)
    secret = kept or secrets_kept.new_secret()
    answer = page(name, status=status, unframed=unframed, token=csrf.masked(csrf.token_of(secret)), **values)
    if kept is None:
        cookies.write(answer, request.scope, services.settings, Cookie.FORM, secret)
    return answer


def _entered(request: Request, services: Services, secret: str, wanted: str) -> Response:
    """Send the browser on with its new session."""
    answer = RedirectResponse(safe_next(wanted), 303, {"Cache-Control": "no-store"})
    cookies.write(answer, request.scope, services.settings, Cookie.SESSION, secret)
    cookies.clear(answer, request.scope, services.settings, Cookie.FORM)
    return answer
