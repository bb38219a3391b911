"""Check a token: its signature, and who made it for whom and until when.

Nothing that the token says of itself is believed before its signature is checked: neither `jku`, `jwk` nor `x5u` is
looked at, and its algorithm must be one of those that the settings pin.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.exceptions import InvalidSubjectError

from mailroom.access.oidc.errors import Fault, TokenRefused

MAX_LENGTH = 16_384
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
# The first match counts: derived classes stand before their bases.
_FAULTS: tuple[tuple[type[jwt.PyJWTError], Fault], ...] = (
    (jwt.ExpiredSignatureError, Fault.EXPIRED),
    (jwt.ImmatureSignatureError, Fault.NOT_YET),
    (jwt.InvalidIssuerError, Fault.ISSUER),
    (jwt.InvalidAudienceError, Fault.AUDIENCE),
    (InvalidSubjectError, Fault.SUBJECT),
    (jwt.InvalidAlgorithmError, Fault.ALGORITHM),
    (jwt.InvalidKeyError, Fault.ALGORITHM),
    (jwt.MissingRequiredClaimError, Fault.CLAIMS),
    (jwt.InvalidIssuedAtError, Fault.CLAIMS),
    (jwt.InvalidSignatureError, Fault.SIGNATURE),
    (jwt.PyJWTError, Fault.MALFORMED),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """The claims that a token must have. `leeway` is in seconds; `nonce` is that of the log-in that asked for it."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    leeway: int
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a token: it names the key that signed it."""

    algorithm: str
    kid: str | None


def header_of(token: str, algorithms: tuple[str, ...]) -> Header:
    """Return which key a token wants to be checked with.

    Raises:
        TokenRefused: it is no token, or its algorithm is not one of these.
    """
    if len(token) > MAX_LENGTH:
        raise TokenRefused(Fault.MALFORMED)
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, UnicodeError, RecursionError) as error:
        raise TokenRefused(Fault.MALFORMED) from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in algorithms:
        raise TokenRefused(Fault.ALGORITHM)
    if not isinstance(kid, str | None):
        raise TokenRefused(Fault.MALFORMED)
    return Header(str(algorithm), kid)


def verified(token: str, key: jwt.PyJWK, algorithm: str, expected: Expected) -> dict[str, Any]:
    """Return the claims of a token that this key signed, and that says what is expected.

    Raises:
        TokenRefused: saying which of it is not so.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=expected.audience,
            issuer=expected.issuer,
            leeway=expected.leeway,
            options={"require": _REQUIRED},
        )
    except (jwt.PyJWTError, UnicodeError) as error:
        fault = next((fault for kind, fault in _FAULTS if isinstance(error, kind)), Fault.MALFORMED)
        raise TokenRefused(fault) from error
    if expected.nonce is not None:
        _check_nonce(claims, expected.nonce)
    return claims


def _check_nonce(claims: dict[str, Any], nonce: str) -> None:
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise TokenRefused(Fault.NONCE)
