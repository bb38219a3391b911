"""Make and read the tokens of links. Pure.

A token holds the id of a delivery and when it ends, signed by HMAC-SHA256. So nothing has to be stored or read when a
mail is made, each attempt of a delivery carries the same token, and whatever may end it sooner is looked up when it is
used. A token of one purpose is worth nothing for another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

_MAC_BYTES = 16
"""Keep 128 bits of the signature: nobody can guess them, and the address still fits on one line of a mail."""
_ENDS = struct.Struct(">I")
_NEVER = 0
_LENGTH = 16 + _ENDS.size + _MAC_BYTES
CHARACTERS = _LENGTH * 4 // 3
"""Every token has so many characters; they hold a multiple of three bytes, so base64 needs no padding."""


class Purpose(StrEnum):
    """Name the purpose of a link, which is also the beginning of its path."""

    DOWNLOAD = "d"
    UNSUBSCRIBE = "u"
    STOP_DIGEST = "stop-digest"
    STOP_SUMMARY = "stop-summary"


@dataclass(frozen=True, slots=True)
class Claim:
    """A token says for which delivery it is, and when it ends; None where it does not end by itself.

    One that stops a user's own mails has the id of the user in place of a delivery's.
    """

    delivery_id: str
    ends_at: datetime | None = None


def sign(purpose: Purpose, claim: Claim, key: str) -> str:
    """Return the token of a claim; its end is cut to whole seconds."""
    ends = int(claim.ends_at.timestamp()) if claim.ends_at else _NEVER
    content = uuid.UUID(claim.delivery_id).bytes + _ENDS.pack(ends)
    return base64.urlsafe_b64encode(content + _mac(purpose, content, key)).decode()


def read(purpose: Purpose, token: str, keys: Sequence[str]) -> Claim | None:
    """Return what a token says, or None where none of the keys has signed it for this purpose."""
    if len(token) != CHARACTERS or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    content, given = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not any(hmac.compare_digest(given, _mac(purpose, content, key)) for key in keys):
        return None
    (ends,) = _ENDS.unpack(content[16:])
    return Claim(str(uuid.UUID(bytes=content[:16])), datetime.fromtimestamp(ends, UTC) if ends else None)


def _mac(purpose: Purpose, content: bytes, key: str) -> bytes:
    return hmac.new(key.encode(), b"mailroom link\n" + purpose.encode() + b"\n" + content, sha256).digest()[:_MAC_BYTES]
