"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), over bytes.

The project's own Python library signs text alone; a multipart body with a PDF in it is not text. The tests check
these signatures with that library.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence

PREFIX = "whsec_"
MIN_BYTES = 24


def secret_bytes(secret: str) -> bytes:
    """Return the key behind `whsec_<base64>`.

    Raises:
        ValueError: another form, or fewer than 24 bytes. The message does not hold the secret.
    """
    remedy = f"write {PREFIX} and the base64 of at least {MIN_BYTES} random bytes."
    if not secret.startswith(PREFIX):
        raise ValueError(f"The signing secret does not start with {PREFIX}; {remedy}")
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"The signing secret is not base64; {remedy}") from None
    if len(key) < MIN_BYTES:
        raise ValueError(f"The signing secret has {len(key)} bytes; {remedy}")
    return key


def signature_header(secrets: Sequence[str], message_id: str, timestamp: int, body: Iterable[bytes]) -> str:
    """Return the value of `webhook-signature`: one `v1,<base64>` for each secret, the current one first.

    Args:
        timestamp: seconds since 1970, as sent in `webhook-timestamp`.
    """
    start = f"{message_id}.{timestamp}.".encode()
    hashes = [hmac.new(secret_bytes(secret), start, "sha256") for secret in secrets]
    for chunk in body:
        for running in hashes:
            running.update(chunk)
    return " ".join(f"v1,{base64.b64encode(running.digest()).decode()}" for running in hashes)
