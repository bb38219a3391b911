"""The cookies: a session's, a log-in form's, and that of a log-in at the identity provider.

With https their names begin with `__Host-`, so that neither another host of the domain nor plain http can set them.
On plain http they exist on this machine alone.
"""

from __future__ import annotations

from enum import StrEnum

from fastapi import Response
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from api.http.browser.connection import is_secure, may_log_in
from mailroom.settings import Settings

LONGEST = 4096


class Cookie(StrEnum):
    """The purposes of our cookies."""

    SESSION = "mailroom"
    FORM = "mailroom-form"
    FLOW = "mailroom-flow"


def read(scope: Scope, settings: Settings, cookie: Cookie) -> str | None:
    """Return the value of a cookie, or None; None too where cookies may not be used."""
    if not may_log_in(scope, settings):
        return None
    given = cookie_parser("; ".join(Headers(scope=scope).getlist("cookie")))
    value = given.get(_name(cookie, secure=is_secure(scope, settings)), "")
    return value if 0 < len(value) <= LONGEST else None


def write(
    response: Response, scope: Scope, settings: Settings, cookie: Cookie, value: str, *, seconds: int | None = None
) -> None:
    """Set a cookie, until the browser is closed or for so long.

    Where other products may show our pages in a frame, it comes with requests of that frame too, but only with those
    below the page that it was set in (`Partitioned`): one product's frame does not share another's log-in. Requests
    that other sites cause are refused by `api.http.browser.csrf` in any case.
    """
    secure = is_secure(scope, settings)
    framed = secure and bool(settings.frame_ancestors)
    response.set_cookie(
        _name(cookie, secure=secure),
        value,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        # Lax: the provider sends the browser back to us by a link, with which a stricter cookie would not come.
        samesite="none" if framed else "lax",
    )
    if framed:
        # Starlette only knows this attribute from Python 3.14 on.
        name, header = response.raw_headers.pop()
        response.raw_headers.append((name, header + b"; Partitioned"))


def clear(response: Response, scope: Scope, settings: Settings, cookie: Cookie) -> None:
    """Remove a cookie."""
    write(response, scope, settings, cookie, "", seconds=0)


def _name(cookie: Cookie, *, secure: bool) -> str:
    return f"__Host-{cookie}" if secure else str(cookie)
