"""Ask who calls, before anything else. Health, documentation, the log-in pages and the links in mails are open.

Who calls has the key of the installation, a key of a user, a token of the identity provider, or a web session.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote

from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.actions.login.bearer import by_token, looks_like_token
from api.http.browser import cookies, redirects
from api.http.browser.cookies import Cookie
from api.http.problems import answer_to, problem
from mailroom.access.login import (
    Login,
    is_sight_due,
    is_use_due,
    log_in,
    log_in_by_session,
    record_sight,
    record_use,
)
from mailroom.access.oidc.errors import TokenRefused
from mailroom.links.tokens import Purpose
from mailroom.members.web_sessions import idle
from mailroom.roles import Scope as KeyScope
from mailroom.settings import Settings
from mailroom.storage.database import Database
from prefect_mailroom.errors import ConfigurationError, MailroomError

_LOG = logging.getLogger(__name__)
OPEN = frozenset(
    {
        *("/", "/healthz", "/readyz", "/docs", "/docs.css", "/api/v1/openapi.json"),
        *("/login", "/login/oidc", "/login/oidc/callback", "/login/link", "/mailroom.css"),
    }
)
_BY_LINK = tuple(f"/{purpose}/" for purpose in Purpose)
STATIC = "/static/"
"""Styles, scripts and icons, which the log-in page needs, too."""
METRICS = "/metrics"
"""The only path that the scrape token opens."""
LOGIN = "mailroom.login"
"""The key in the ASGI scope of a request under which its `Login` is."""


def is_open(path: str) -> bool:
    """Tell whether a path is answered to whoever asks. The links in mails are: they hold their own right. Pure."""
    return path in OPEN or path.startswith((*_BY_LINK, STATIC))


def shown(path: str) -> str:
    """Return a path as logs show it: without the token of a link in a mail, which opens for whoever has it. Pure."""
    prefix = next((one for one in _BY_LINK if path.startswith(one)), None)
    return path if prefix is None else f"{prefix}…"


def require_key(key: SecretStr) -> SecretStr:
    """Return the key, or stop the start of the process.

    Raises:
        ConfigurationError: it is empty.
    """
    if not key.get_secret_value().strip():
        raise ConfigurationError(
            "MAILROOM_API_KEY is empty, so anyone could use the API.",
            remedy="Run `mailroom init`, which makes a key, or set a random value of 32 characters or more.",
            field="api_key",
        )
    return key


class Over(Protocol):
    """Answers a form that came when the session was over; see `api.http.browser.session_over`."""

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Return the answer, or None where there is none besides the refusal."""


class ApiKeyGuard:
    """Middleware: refuses every path that is not open to whoever has not logged in; unknown paths too."""

    def __init__(
        self, app: ASGIApp, key: SecretStr, database: Database, settings: Settings, over: Over | None = None
    ) -> None:
        self._app, self._database, self._settings, self._over = app, database, settings, over
        self._digest = _digest(key.get_secret_value())
        scraper = settings.metrics_token.get_secret_value().strip()
        self._scraper = _digest(scraper) if scraper else None
        self._pepper = settings.key_pepper.get_secret_value()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            scope[LOGIN] = await self._login(scope)
        except TokenRefused as error:
            challenge = {"WWW-Authenticate": 'Bearer realm="mailroom", error="invalid_token"'}
            answer = problem(scope["path"], 401, "unauthorized", error.message, remedy=error.remedy, headers=challenge)
            await answer(scope, receive, send)
            return
        except MailroomError as error:
            await answer_to(error, scope["path"])(scope, receive, send)
            return
        if scope[LOGIN] is not None:
            await self._app(scope, receive, send)
            return
        await (await self._kept(scope, receive) or self._refusal(scope))(scope, receive, send)

    async def _kept(self, scope: Scope, receive: Receive) -> Response | None:
        try:
            return await self._over.answer(scope, receive) if self._over else None
        except MailroomError as error:
            return answer_to(error, scope["path"])

    def _refusal(self, scope: Scope) -> Response:
        path, headers = scope["path"], Headers(scope=scope)
        if "hx-request" in headers and not path.startswith("/api/"):
            # A part of a page was asked for: the log-in page must not be put in its place.
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        reads_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if reads_page and not path.startswith("/api/"):
            query = scope["query_string"].decode("latin-1")
            wanted = quote(f"{path}?{query}" if query else path, safe="")
            return RedirectResponse(f"/login?next={wanted}", 303)
        if redirects.sends_form(scope):
            # What it carries is not kept: whoever logs in next may be another person.
            wanted = quote(redirects.came_from(headers), safe="")
            return RedirectResponse(f"/login?next={wanted}", 303, {"Cache-Control": "no-store"})
        return problem(
            path,
            401,
            "unauthorized",
            "The API key is missing or wrong.",
            remedy=(
                "Send it as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'. `mailroom init` shows where "
                "the key is."
            ),
            headers={"WWW-Authenticate": 'Bearer realm="mailroom"'},
        )

    async def _login(self, scope: Scope) -> Login | None:
        headers, now = Headers(scope=scope), scope["app"].state.services.clock()
        if "authorization" not in headers and "x-api-key" not in headers:
            return await self._session(scope, now)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # Digests are of one length: neither the length nor the content of the key shows in the time this takes.
        if hmac.compare_digest(_digest(given), self._digest):
            return Login()
        if self._is_scraper(scope["path"], given):
            return Login(scope=KeyScope.READ)
        if self._settings.oidc_issuer and scheme.lower() == "bearer" and looks_like_token(given):
            return await by_token(scope["app"].state.services, given, now=now)
        async with self._database.session() as session:
            login = await log_in(session, given, pepper=self._pepper, now=now)
        if login and login.key and is_use_due(login.key, now):
            await self._record(record_use(login.key, now))
        return login

    def _is_scraper(self, path: str, given: str) -> bool:
        """Tell whether a request for the metrics has the scrape token, which opens nothing else."""
        return path == METRICS and self._scraper is not None and hmac.compare_digest(_digest(given), self._scraper)

    async def _session(self, scope: Scope, now: datetime) -> Login | None:
        secret = cookies.read(scope, self._settings, Cookie.SESSION)
        if secret is None:
            return None
        async with self._database.session() as session:
            login = await log_in_by_session(session, secret, idle=idle(self._settings), now=now)
        if login and login.session and is_sight_due(login.session, now):
            await self._record(record_sight(login.session, now))
        return login

    async def _record(self, write: Callable[[AsyncSession], Awaitable[None]]) -> None:
        try:
            async with self._database.session() as session:
                await write(session)
        except (SQLAlchemyError, OSError):
            # The next use writes it; a request does not fail for it.
            _LOG.warning("The last use of a key or a session could not be written.", exc_info=True)


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()
