"""Guard the API by one key from the settings, until people can log in. Health and documentation are open."""

from __future__ import annotations

import hmac
from hashlib import sha256

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import problem
from prefect_mailroom.errors import ConfigurationError

OPEN = frozenset({"/", "/healthz", "/readyz", "/docs", "/docs.css", "/api/v1/openapi.json"})


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
    """Middleware: refuses every path that is not in `OPEN` without the key; unknown paths too."""

    def __init__(self, app: ASGIApp, key: SecretStr) -> None:
        self._app = app
        self._digest = _digest(key.get_secret_value())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN or self._holds_key(Headers(scope=scope)):
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

    def _holds_key(self, headers: Headers) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # Digests are of one length: neither the length nor the content of the key shows in the time this takes.
        return hmac.compare_digest(_digest(given), self._digest)


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()
