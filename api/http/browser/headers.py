"""Middleware: the headers that tell a browser what our answers may do, and who may frame them."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.browser.connection import is_secure
from mailroom.settings import Settings

# Nothing inline, and nothing from elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it a browser would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HSTS = "max-age=31536000"


def frame_policy(settings: Settings) -> str:
    """Return who may show our pages in a frame. Pure."""
    allowed = settings.frame_ancestors or "'none'"
    return f"frame-ancestors {allowed}"


class SecurityHeaders:
    """Adds the headers to each answer. To a policy that an answer has already, as a report has, it adds who may frame
    it, unless that says so itself.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), secure=is_secure(scope, self._settings))
            await send(message)

        await self._app(scope, receive, guarded)

    def _add(self, headers: MutableHeaders, *, secure: bool) -> None:
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        policy = headers.get("Content-Security-Policy", _POLICY)
        if "frame-ancestors" not in policy:
            headers["Content-Security-Policy"] = f"{policy}; {frame_policy(self._settings)}"
            if not self._settings.frame_ancestors:
                headers["X-Frame-Options"] = "DENY"
        if secure:
            headers["Strict-Transport-Security"] = _HSTS
