"""Seal what a browser keeps while it is at the identity provider, so that it comes back as it was given. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import jwt

LASTS = timedelta(minutes=10)
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Flow:
    """One log-in under way.

    Attributes:
        state: comes back from the provider, and must be that of the browser that began.
        nonce: must stand in the ID token.
        verifier: proves to the provider that who brings the code has begun the log-in (PKCE).
        next: where to go afterwards.
    """

    state: str
    nonce: str
    verifier: str
    next: str

    @classmethod
    def new(cls, next_: str) -> Flow:
        """Return a new one."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), next_)

    @property
    def challenge(self) -> str:
        """Return what the provider is told of the verifier: its SHA-256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def sealed(flow: Flow, key: str, *, now: datetime) -> str:
    """Return the flow as the value of a cookie, which is of use for ten minutes."""
    return jwt.encode({**asdict(flow), "exp": now + LASTS}, _key(key), algorithm=_ALGORITHM)


def opened(cookie: str, key: str, state: str) -> Flow | None:
    """Return the flow of a cookie, if we sealed it, it is not too old, and the provider answers to it."""
    try:
        found = jwt.decode(cookie, _key(key), algorithms=[_ALGORITHM], options={"require": ["exp"]})
    except jwt.PyJWTError:
        return None
    found.pop("exp")
    flow = Flow(**found)
    return flow if hmac.compare_digest(flow.state.encode(), state.encode("utf-8", "replace")) else None


def _key(secret: str) -> bytes:
    # Not the key of the installation itself: what is signed for one purpose is worth nothing for another.
    return hmac.new(secret.encode(), b"mailroom log-in flow", hashlib.sha256).digest()
