"""Middleware against requests that another site makes a browser send.

A browser adds cookies by itself, so each unsafe request that is let in by one must show two things: that a page of ours
made it (`Sec-Fetch-Site`, or `Origin` of an older browser), and the token that only our pages know. Requests with a key
or a bearer token carry what no browser adds by itself, and are left alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.auth import LOGIN
from api.http.browser import cookies
from api.http.browser.connection import own_origins
from api.http.browser.cookies import Cookie
from api.http.browser.pages import message_page
from api.http.browser.redirects import HOME
from api.http.problems import problem
from mailroom.settings import Settings

HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
LOGIN_FORMS = frozenset({"/login", "/login/link"})
"""The forms of who has not logged in yet. Their token belongs to a cookie that the page with the form has set."""
FORM = "application/x-www-form-urlencoded"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_AGAIN = "Load the page again, and repeat what you did."
_MASKED_BYTES = 2 * hashlib.sha256().digest_size
_MAX_FORM = 512 * 1024
"""In bytes: room for some thousand pasted addresses."""


def token_of(secret: str) -> str:
    """Return the token that belongs to the secret of a session, or of a log-in form. Pure."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"mailroom csrf", hashlib.sha256).hexdigest()


def masked(token: str) -> str:
    """Return a token as a page carries it: another text each time, so that how well a page compresses tells nothing."""
    plain = bytes.fromhex(token)
    mask = secrets.token_bytes(len(plain))
    return (mask + _crossed(mask, plain)).hex()


def unmasked(given: str) -> str:
    """Return the token of what a form or a header brought, which programs send as it is. Pure."""
    try:
        both = bytes.fromhex(given)
    except ValueError:
        return given
    half = len(both) // 2
    return _crossed(both[:half], both[half:]).hex() if len(both) == _MASKED_BYTES else given


def is_token(given: str, secret: str) -> bool:
    """Tell whether this is the token of a secret, masked or not. Pure."""
    return hmac.compare_digest(unmasked(given).encode("utf-8", "replace"), token_of(secret).encode())


def _crossed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def is_ours(headers: Headers, origins: set[str]) -> bool:
    """Tell whether a page of ours made the request, by what the browser says of it. Pure."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    return headers.get("origin", "").lower() in origins


def is_media(media: str) -> bool:
    """Tell whether a body of this type is taken with a cookie. Other sites can send JSON as text/plain. Pure."""
    json = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    return json or media == FORM


class CrossSiteDefence:
    """Refuses what another site made a browser send."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403 or 415."""
        cookie = _cookie(scope)
        if cookie is None:
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await read_body(receive) if media == FORM else None
        if not is_ours(headers, own_origins(scope, self._settings)):
            detail = "Another site made your browser send this request."
            answer = _refusal(path, headers, 403, "cross-site", detail, "Use Mailroom's own pages, or a key.")
        elif headers.get("content-type") is not None and not is_media(media):
            detail = f"A body of type '{media[:80]}' is not taken with a cookie."
            answer = _refusal(path, headers, 415, "media-type", detail, "Send Content-Type: application/json.")
        elif not self._has_token(scope, headers, cookie, body or b""):
            detail = "The form is too old, or the request lacks the token of its session."
            remedy = f"{_AGAIN} A program sends the token as {HEADER}; GET /api/v1/sessions/current has it."
            answer = _refusal(path, headers, 403, "csrf", detail, remedy)
        else:
            await self._app(scope, receive if body is None else _again(body), send)
            return
        await answer(scope, receive, send)

    def _has_token(self, scope: Scope, headers: Headers, cookie: Cookie, body: bytes) -> bool:
        secret = cookies.read(scope, self._settings, cookie)
        given = headers.get(HEADER) or dict(parse_qsl(body.decode("utf-8", "replace"))).get(FIELD, "")
        return secret is not None and is_token(given, secret)


def _refusal(path: str, headers: Headers, status: int, kind: str, detail: str, remedy: str) -> Response:
    """Return a problem document to a program, and a page to a person who sent a form."""
    if "text/html" in headers.get("accept", "") and not path.startswith("/api/"):
        # A browser that keeps no cookies for frames brings none with a form either.
        unframed = HOME if headers.get("sec-fetch-dest") in {"iframe", "frame"} else ""
        shown, words = _AGAIN if kind == "csrf" else remedy, "Go to the schedules"
        return message_page("Not done", detail, shown, status=status, href=HOME, words=words, unframed=unframed)
    return problem(path, status, kind, detail, remedy=remedy)


def _cookie(scope: Scope) -> Cookie | None:
    """Return which cookie lets an unsafe request in, or None where there is nothing to defend."""
    if scope["type"] != "http" or scope["method"] in _SAFE:
        return None
    if scope["path"] in LOGIN_FORMS:
        return Cookie.FORM
    login = scope.get(LOGIN)
    return Cookie.SESSION if login is not None and login.session is not None else None


async def read_body(receive: Receive) -> bytes:
    """Read the body of a form; what is longer than any form of ours is cut, and so has no token."""
    body = bytearray()
    while len(body) <= _MAX_FORM:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body", False):
            break
    return bytes(body[:_MAX_FORM])


def _again(body: bytes) -> Receive:
    """Return a `receive` that gives a body that was read already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
