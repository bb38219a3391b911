"""Ask who calls, before anything else: the key of the installation, or one of a user. Health and docs are open."""

from __future__ import annotations

import hmac
import logging
from datetime import UTC, datetime
from hashlib import sha256

from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import problem
from mailroom.access.login import Login, is_use_due, log_in, record_use
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.access import ApiKey
from prefect_mailroom.errors import ConfigurationError

_LOG = logging.getLogger(__name__)
OPEN = frozenset({"/", "/healthz", "/readyz", "/docs", "/docs.css", "/api/v1/openapi.json"})
LOGIN = "mailroom.login"
"""Where the ASGI scope of a request has its `Login`."""


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


class ApiKeyGuard:
    """Middleware: refuses every path that is not in `OPEN` without a key; unknown paths too."""

    def __init__(self, app: ASGIApp, key: SecretStr, database: Database, settings: Settings) -> None:
        self._app, self._database = app, database
        self._digest = _digest(key.get_secret_value())
        self._pepper = settings.key_pepper.get_secret_value()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        scope[LOGIN] = await self._login(Headers(scope=scope))
        if scope[LOGIN] is not None:
            await self._app(scope, receive, send)
            return
        answer = problem(
            scope["path"],
            401,
            "unauthorized",
            "The API key is missing or wrong.",
            remedy=(
                "Send it as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'. `mailroom init` shows where "
                "the key is."
            ),
            headers={"WWW-Authenticate": 'Bearer realm="mailroom"'},
        )
        await answer(scope, receive, send)

    async def _login(self, headers: Headers) -> Login | None:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # Digests are of one length: neither the length nor the content of the key shows in the time this takes.
        if hmac.compare_digest(_digest(given), self._digest):
            return Login()
        now = datetime.now(UTC)
        async with self._database.session() as session:
            login = await log_in(session, given, pepper=self._pepper, now=now)
        if login and login.key and is_use_due(login.key, now):
            await self._record_use(login.key, now)
        return login

    async def _record_use(self, key: ApiKey, now: datetime) -> None:
        try:
            async with self._database.session() as session:
                await record_use(session, key, now)
        except (SQLAlchemyError, OSError):
            # The next use writes it; a request does not fail for it.
            _LOG.warning("The last use of key %s could not be written.", key.prefix, exc_info=True)


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()
