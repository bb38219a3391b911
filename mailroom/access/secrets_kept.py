"""The random secrets of web sessions and one-time links: 256 bits, of which only a SHA-256 is kept. Pure."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """Return a new random secret that can stand in a URL and in a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is kept of a secret. Nobody can guess 256 random bits, so a fast hash without salt is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
