"""Read what a browser sends to our pages."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.actions.login.sessions import Browser
from api.http.browser import cookies
from api.http.browser.connection import may_log_in
from api.http.browser.cookies import Cookie
from api.http.browser.pages import message_page
from api.http.rates.middleware import ADDRESS
from api.services import Services
from mailroom.members.web_sessions import Origin

PLAIN = (
    "You are not connected by https, so others could read your password on the way.",
    "Use the https address; whoever runs Mailroom knows it. Without https you can log in on this machine alone.",
)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, whose length the defence against other sites has limited already."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def browser_of(request: Request, services: Services) -> Browser:
    """Return the browser that makes a request."""
    # Behind a proxy of ours it is the client's: everybody else would be slowed down for one who guesses.
    origin = Origin(request.scope[ADDRESS], request.headers.get("user-agent", ""))
    before = cookies.read(request.scope, services.settings, Cookie.SESSION)
    return Browser(origin, services.database.now(), before)


def is_too_plain(request: Request, services: Services) -> bool:
    """Tell whether nobody may log in this way; then answer with `too_plain`."""
    return not may_log_in(request.scope, services.settings)


def too_plain() -> HTMLResponse:
    """Return the page that refuses a log-in which others could overhear."""
    return message_page("Log-in needs https", *PLAIN, status=403)
