"""Count each request: one without a valid log-in for its address, any other for its user and its key.

Health is not counted. The path of a request plays no part, so no spelling of it escapes.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.auth import LOGIN, is_open
from api.http.problems import problem
from api.http.rates.address import client_address, networks
from api.http.rates.counting import Count, Counting, Rate, rate_of
from api.http.rates.headers import exceeded, rate_headers
from mailroom.access.login import Login
from mailroom.errors import Limited
from mailroom.roles import Scope as KeyScope
from mailroom.settings import Settings

ADDRESS = "mailroom.address"
"""The key in the ASGI scope of a request under which the address of its client is."""
UNCOUNTED = frozenset({"/healthz", "/readyz"})
_LONGEST_REFERENCE = 240


class AddressRate:
    """Middleware before the log-in: finds the client's address, and counts what is answered without a log-in."""

    def __init__(self, app: ASGIApp, settings: Settings, counting: Counting) -> None:
        self._app, self._counting = app, counting
        self._rate = rate_of("address", settings.rate_limit_address)
        self._trusted = networks(settings.trusted_proxies)
        self._ask = settings.limits.contact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429 to one that is open to all; see `_counted` for the others."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = scope["client"][0] if scope.get("client") else None
        scope[ADDRESS] = client_address(peer, Headers(scope=scope).getlist("x-forwarded-for"), self._trusted)
        if self._rate is None or scope["path"] in UNCOUNTED:
            await self._app(scope, receive, send)
        elif is_open(scope["path"]):
            count = await self._counting.count(self._rate, scope[ADDRESS])
            if count.allowed:
                await self._app(scope, receive, _with_headers(send, [count]))
            else:
                await _refusal(scope, count, [count], self._ask)(scope, receive, send)
        else:
            await self._app(scope, receive, self._counted(scope, receive, send, self._rate))

    def _counted(self, scope: Scope, receive: Receive, send: Send, rate: Rate) -> Send:
        """Return a `send` that counts a 401, and makes a 429 of it where there were too many from its address.

        Whoever has a valid log-in is never refused for what others at the same address do.
        """
        refused = False

        async def counted(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 401:
                count = await self._counting.count(rate, scope[ADDRESS])
                if not count.allowed:
                    refused = True
                    await _refusal(scope, count, [count], self._ask)(scope, receive, send)
                    return
                MutableHeaders(scope=message).update(rate_headers([count]))
            if not refused:
                await send(message)

        return counted


class LoginRate:
    """Middleware after the log-in: counts a request for its user and for its key.

    The key of the installation is the operator's, and counts for nobody but whom it acts for.
    """

    def __init__(self, app: ASGIApp, settings: Settings, counting: Counting) -> None:
        self._app, self._counting = app, counting
        self._user = rate_of("user", settings.rate_limit_user)
        self._key = rate_of("key", settings.rate_limit_key)
        self._ask = settings.limits.contact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        login = scope.get(LOGIN) if scope["type"] == "http" else None
        if not isinstance(login, Login):
            await self._app(scope, receive, send)
            return
        asked = self._identities(login, Headers(scope=scope).get("x-act-for"))
        counts = await self._counting.count_all(asked)
        over = exceeded(counts)
        if over is None:
            await self._app(scope, receive, _with_headers(send, counts) if counts else send)
        else:
            await _refusal(scope, over, counts, self._ask)(scope, receive, send)

    def _identities(self, login: Login, act_for: str | None) -> list[tuple[Rate, str]]:
        user = login.user.id if login.user else None
        if act_for and len(act_for) <= _LONGEST_REFERENCE and login.scope is KeyScope.ADMIN:
            user = f"for {act_for}"
        key = login.key.id if login.key else None
        return [(rate, who) for rate, who in ((self._user, user), (self._key, key)) if rate and who]


def _with_headers(send: Send, counts: Sequence[Count]) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(rate_headers(counts))
        await send(message)

    return told


def _refusal(scope: Scope, over: Count, counts: Sequence[Count], ask: str) -> ASGIApp:
    rate, contact = over.rate, ask or "an admin of this Mailroom"
    who = "from this address without a valid log-in" if rate.name == "address" else f"of this {rate.name}"
    return problem(
        scope["path"],
        429,
        "too-many-requests",
        f"There were more than {rate.amount:,} requests {who} within {rate.seconds:,} s.",
        remedy=f"Wait {over.room_in} s and send fewer requests, or ask {contact} for a higher rate.",
        limited=Limited(f"requests_of_{rate.name}", rate.amount, rate.amount, contact),
        headers={**rate_headers(counts), "Retry-After": str(over.room_in)},
    )
