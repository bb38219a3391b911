"""The identity provider: what it says of itself, its keys, and the exchange of a code. One for each process.

Its documents are kept for an hour, and for a day where it does not answer. A token with an unknown key id makes us ask
for the keys again, since the provider may have changed them, but at most twice a minute whatever is sent to us.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from mailroom.access.oidc.errors import Fault, TokenRefused
from mailroom.access.oidc.fetch import ProviderRefused, fetch_json
from mailroom.access.oidc.keys import KeySet
from mailroom.access.oidc.verify import Expected, header_of, verified
from mailroom.errors import Unavailable
from mailroom.settings import Settings

FRESH_SECONDS = 3600.0
KEPT_SECONDS = 86_400.0
PAUSE_SECONDS = 30.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that the provider had published at the monotonic time `at`."""

    authorization_endpoint: str
    token_endpoint: str
    keys: KeySet
    at: float


class Provider:
    """The provider that the settings name."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._algorithms = tuple(settings.oidc_algorithms)
        self._documents: Documents | None = None
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def documents(self, kid: str | None = None, *, any_key: bool = True) -> Documents:
        """Return what the provider has published; asked for again when it is old or lacks this key.

        Raises:
            Unavailable: it does not answer, and what was known of it is too old.
        """
        known = self._documents
        if known is not None and self._is_enough(known, kid, any_key):
            return known
        if known is not None and (any_key or kid in known.keys) and self._asking.locked():
            return known  # Somebody else asks already; what we have will do meanwhile.
        async with self._asking:
            known = self._documents
            if known is not None and self._is_enough(known, kid, any_key):
                return known
            return await self._ask_again(known)

    def _is_enough(self, known: Documents, kid: str | None, any_key: bool) -> bool:
        return self._clock() - known.at < FRESH_SECONDS and (any_key or kid in known.keys)

    async def _ask_again(self, known: Documents | None) -> Documents:
        now = self._clock()
        if self._asked_at is None or now - self._asked_at >= PAUSE_SECONDS:
            self._asked_at = now
            try:
                self._documents = known = await self._ask()
            except Unavailable as error:
                _LOG.warning("The identity provider could not be asked. %s", error.message)
                if known is None:
                    raise
        if known is None or now - known.at >= KEPT_SECONDS:
            raise Unavailable("The identity provider does not answer.", remedy="Try again in a minute.")
        return known

    async def _ask(self) -> Documents:
        issuer = self._settings.oidc_issuer
        found = await fetch_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration", issuer=issuer)
        if found.get("issuer") != issuer:
            raise Unavailable(
                "The identity provider calls itself otherwise than MAILROOM_OIDC_ISSUER.",
                remedy="Write the issuer exactly as the provider's openid-configuration has it.",
            )
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        places = {name: str(found.get(name) or "") for name in names}
        keys = KeySet(await fetch_json(places["jwks_uri"], issuer=issuer))
        return Documents(places["authorization_endpoint"], places["token_endpoint"], keys, self._clock())

    async def bearer(self, token: str) -> dict[str, Any]:
        """Return the claims of a bearer token.

        Raises:
            TokenRefused, Unavailable.
        """
        if not self._settings.oidc_audience:
            raise TokenRefused(Fault.AUDIENCE)
        return await self._claims(token, self._settings.oidc_audience)

    async def _claims(self, token: str, audience: str, nonce: str | None = None) -> dict[str, Any]:
        header = header_of(token, self._algorithms)
        documents = await self.documents(header.kid, any_key=False)
        key = documents.keys.key(header.kid, header.algorithm)
        expected = Expected(
            self._settings.oidc_issuer, audience, self._algorithms, self._settings.oidc_leeway_seconds, nonce
        )
        return verified(token, key, header.algorithm, expected)

    async def exchange(self, code: str, *, verifier: str, nonce: str, redirect_uri: str) -> dict[str, Any]:
        """Give a code to the provider; return the claims of the ID token that it answers with.

        Raises:
            TokenRefused, Unavailable.
        """
        settings = self._settings
        documents = await self.documents()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": settings.oidc_client_id,
        }
        secret = settings.oidc_client_secret.get_secret_value()
        # Each is encoded as in a form first; https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1.
        auth = (quote_plus(settings.oidc_client_id), quote_plus(secret)) if secret else None
        try:
            answer = await fetch_json(documents.token_endpoint, issuer=settings.oidc_issuer, form=form, auth=auth)
        except ProviderRefused as error:
            raise TokenRefused(Fault.CODE) from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise TokenRefused(Fault.MALFORMED)
        claims = await self._claims(token, settings.oidc_client_id, nonce)
        if claims.get("azp", settings.oidc_client_id) != settings.oidc_client_id:
            raise TokenRefused(Fault.AUDIENCE)
        return claims
