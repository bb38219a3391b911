"""Make keys, and recognise them. Pure.

A key is `mrk_<16 hex digits>_<64 hex digits>`. Its first part is kept and shown, so that a person or a scanner of
secrets recognises it and finds it in the list. Of the whole only a digest is kept, with a pepper that is not in the
database.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

_FORM = re.compile(r"(mrk_[0-9a-f]{16})_[0-9a-f]{64}")


def new_token() -> str:
    """Return a new random key."""
    return f"mrk_{secrets.token_hex(8)}_{secrets.token_hex(32)}"


def prefix_of(token: str) -> str | None:
    """Return the part by which a key is found, or None where the text cannot be a key."""
    found = _FORM.fullmatch(token)
    return found.group(1) if found else None


def digest(token: str, pepper: str) -> str:
    """Return what is kept of a key."""
    return hmac.new(pepper.encode(), token.encode(), hashlib.sha256).hexdigest()


def is_of(token: str, pepper: str, kept: str) -> bool:
    """Tell whether this is the key whose digest was kept; how long it takes does not depend on how much is right."""
    return hmac.compare_digest(digest(token, pepper), kept)
