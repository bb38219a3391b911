"""Access tokens are fetched once in a process, used until shortly before they expire, and kept in memory alone."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.oauth.grants import form_of, refusal
from prefect_mailroom.channels.email.oauth.settings import OAuth
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater

MARGIN_SECONDS = 60
"""Stop using a token so long before its end."""
_UNKNOWN_LIFE = 300
_LONGEST_WAIT = 3600
_MAX_ANSWER = 65_536
_MOST_RENEWALS = 200


@dataclass(frozen=True, slots=True)
class Token:
    """Hold an access token.

    Attributes:
        issued, expires: on this machine's monotonic clock.
    """

    value: SecretStr
    issued: float
    expires: float

    @property
    def is_fresh(self) -> bool:
        """Tell whether it can still be used."""
        return time.monotonic() < self.expires - min(MARGIN_SECONDS, (self.expires - self.issued) / 2)


class _GivenUp(Exception):
    """Whoever fetched a token for others was cancelled: one of them begins again."""


class Tokens:
    """Keep the tokens by login. A login is a whole set of settings: a new secret gets a new token."""

    def __init__(self) -> None:
        self._known: dict[OAuth, Token] = {}
        self._renewals: dict[OAuth, SecretStr] = {}
        self._flights: dict[OAuth, Future[Token]] = {}

    async def get(self, login: OAuth, *, seconds: float) -> Token:
        """Return a token that can be used now; of those that ask at the same time, one asks for all.

        Raises:
            ConfigurationError, RetryLater: no token can be had.
        """
        while True:
            known = self._known.get(login)
            if known is not None and known.is_fresh:
                return known
            own: Future[Token] = Future()
            own.set_running_or_notify_cancel()  # Those who wait cannot cancel it.
            flight = self._flights.setdefault(login, own)
            if flight is own:
                return await self._fly(login, own, seconds)
            try:
                return await asyncio.wrap_future(flight)
            except _GivenUp:
                continue

    def forget(self, login: OAuth, token: Token) -> None:
        """Drop a token that a server no longer takes; one that came in its place meanwhile stays."""
        if self._known.get(login) is token:
            del self._known[login]

    def drop(self, login: OAuth) -> None:
        """Drop the token of a login, so that the next one who needs it asks for a new one."""
        self._known.pop(login, None)

    async def _fly(self, login: OAuth, flight: Future[Token], seconds: float) -> Token:
        try:
            token, renewal = await _fetch(login, self._renewals.get(login), seconds)
        except MailroomError as error:
            self._flights.pop(login, None)
            flight.set_exception(error)
            raise
        except BaseException:
            self._flights.pop(login, None)
            flight.set_exception(_GivenUp())
            raise
        self._known = {other: kept for other, kept in self._known.items() if kept.is_fresh} | {login: token}
        if renewal is not None:
            self._renewals[login] = renewal
            if len(self._renewals) > _MOST_RENEWALS:
                del self._renewals[next(iter(self._renewals))]
        self._flights.pop(login, None)
        flight.set_result(token)
        return token

    def after_fork(self) -> None:
        """Forget in a forked child what its parent was fetching: nobody would end it here."""
        self._flights.clear()


_OF_PROCESS = Tokens()
os.register_at_fork(after_in_child=_OF_PROCESS.after_fork)


def of_process() -> Tokens:
    """Return the tokens of this process."""
    return _OF_PROCESS


async def screen(login: OAuth) -> None:
    """Refuse an address for tokens that may never be reached, before the connection is stored."""
    url = urlsplit(login.token_endpoint)
    assert url.hostname is not None
    with outbound.screening():
        await outbound.resolve(url.hostname, _port(login), timeout=outbound.SCREEN_SECONDS)


def _port(login: OAuth) -> int:
    url = urlsplit(login.token_endpoint)
    return url.port or (443 if url.scheme == "https" else 80)


async def _fetch(login: OAuth, renewal: SecretStr | None, seconds: float) -> tuple[Token, SecretStr | None]:
    """Ask for a token. Return it, and the refresh token that came in place of the old one, if one did."""
    import httpx

    url = urlsplit(login.token_endpoint)
    host = url.hostname or ""
    addresses = await outbound.resolve(host, _port(login), timeout=seconds)
    if url.scheme == "http" and not all(outbound.is_opened(host, address) for address in addresses):
        raise ConfigurationError(
            f"The address for tokens at '{host}' is not encrypted.", remedy="Use https://.", field="oauth"
        )
    form = await asyncio.to_thread(form_of, login, now=time.time(), refresh_token=renewal)
    began = time.monotonic()
    async with outbound.http_client(timeout=seconds) as client:
        try:
            answer = await client.post(login.token_endpoint, data=form, headers={"accept": "application/json"})
        except httpx.HTTPError as error:
            if outbound.tls_fault(error):
                raise ConfigurationError(
                    f"'{host}', which gives the tokens, has no certificate that can be trusted.",
                    remedy="Check the address for tokens.",
                    field="oauth",
                ) from None
            # What httpx says may quote the request, which is secret; its type tells enough.
            raise RetryLater(f"'{host}' gave no token: {type(error).__name__}.") from None
    read = _read(answer.content)
    value = read.get("access_token")
    if answer.status_code != 200 or not isinstance(value, str) or not value.isprintable() or not value:
        raise refusal(answer.status_code, read, host, not_before=_wait(answer.headers.get("retry-after", "")))
    life = str(read.get("expires_in"))
    lasts = float(life) if life.isascii() and life.isdigit() else _UNKNOWN_LIFE
    new = read.get("refresh_token")
    renewed = SecretStr(new) if login.provider == "refresh_token" and isinstance(new, str) and new else None
    return Token(SecretStr(value), began, began + lasts), renewed or renewal


def _read(content: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(content[:_MAX_ANSWER])
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _wait(value: str) -> float | None:
    return float(min(int(value), _LONGEST_WAIT)) if value.isascii() and value.isdigit() and len(value) < 9 else None
