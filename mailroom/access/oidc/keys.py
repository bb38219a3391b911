"""The public keys of the identity provider, as its JWKS document has them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt

from mailroom.access.oidc.errors import Fault, TokenRefused
from mailroom.setting_groups.login import ASYMMETRIC

MOST_KEYS = 100


class KeySet:
    """The keys by which tokens are checked, by their ids."""

    def __init__(self, document: dict[str, Any]) -> None:
        keys = document.get("keys")
        self._keys = dict(_usable(keys)) if isinstance(keys, list) else {}

    def __contains__(self, kid: object) -> bool:
        return kid in self._keys or (kid is None and len(self._keys) == 1)

    def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """Return the key of this id, for this algorithm. Without an id there must be a single key.

        Raises:
            TokenRefused: there is none, or it is for another algorithm.
        """
        if kid not in self:
            raise TokenRefused(Fault.KEY)
        found = self._keys[kid] if kid is not None else next(iter(self._keys.values()))
        if found.get("alg", algorithm) != algorithm or algorithm not in ASYMMETRIC:
            raise TokenRefused(Fault.ALGORITHM)
        try:
            return jwt.PyJWK(found, algorithm)
        except jwt.PyJWTError as error:  # An RSA key for ES256, for example.
            raise TokenRefused(Fault.ALGORITHM) from error


def _usable(keys: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, one in enumerate(keys[:MOST_KEYS]):
        # A symmetric key has no business in a public document, and would make every reader a signer.
        if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig":
            kid = one.get("kid")
            yield (kid if isinstance(kid, str) else f"#{number}"), one
