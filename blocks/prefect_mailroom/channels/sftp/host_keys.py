"""The host keys that a person confirmed: what may be written, and what a server may show. Imports no paramiko."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""The ways that a server may sign with its key, the best first. SHA-1 (`ssh-rsa`) is not among them."""

_SIGNED_BY = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""The type of a key -> the ways that it signs, where their names differ."""
_FINGERPRINT = re.compile(r"SHA256:([A-Za-z0-9+/]{43})=?")
_TYPE = re.compile(r"ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)")


@dataclass(frozen=True, slots=True)
class HostKey:
    """One key that a server may show.

    Attributes:
        fingerprint: `SHA256:…` as OpenSSH writes it.
        type: such as `ssh-ed25519`; empty where only the fingerprint is known.
    """

    fingerprint: str
    type: str = ""


def parse(text: str) -> list[HostKey]:
    """Return the keys of a text with one on each line: a line of known_hosts, `type base64`, or `SHA256:…`.

    Raises:
        ValueError: a line is none of these; says what is wrong.
    """
    lines = [line.strip() for line in text.splitlines()]
    return [_parsed(line) for line in lines if line and not line.startswith("#")]


def _parsed(line: str) -> HostKey:
    if line.startswith("@"):
        raise ValueError("lines with @cert-authority or @revoked are not supported; give the server's own key")
    words = line.split()
    for word in words:
        if found := _FINGERPRINT.fullmatch(word):
            return HostKey(f"SHA256:{found.group(1)}")
    at = next((index for index, word in enumerate(words) if _TYPE.fullmatch(word)), None)
    if at is None or at + 1 >= len(words):
        raise ValueError(
            f"'{line[:40]}' is not a host key; write a line of known_hosts, such as 'ssh-ed25519 AAAA…', or a "
            "fingerprint that begins with SHA256:"
        )
    try:
        blob = base64.b64decode(words[at + 1], validate=True)
    except binascii.Error:
        blob = b""
    parts = _parts(blob)
    if len(parts) < 2 or parts[0] != words[at].encode():
        raise ValueError(f"the key after '{words[at]}' is cut off or damaged; copy the whole line again")
    return HostKey(fingerprint(blob), words[at])


def _parts(blob: bytes) -> list[bytes]:
    """Return the parts of a key, each of which begins with its length; none where one is cut off."""
    parts, at = [], 0
    while at < len(blob):
        length = int.from_bytes(blob[at : at + 4], "big")
        part = blob[at + 4 : at + 4 + length]
        if len(part) != length:
            return []
        parts.append(part)
        at += 4 + length
    return parts


def fingerprint(blob: bytes) -> str:
    """Return a key's fingerprint as OpenSSH writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def signing_types(pinned: Collection[HostKey], tried: Collection[str] = ()) -> tuple[str, ...]:
    """Return how the server may sign: only by keys that were confirmed, where their types are known.

    A server has a key of each type and shows one of those that we ask for. For a bare fingerprint nobody knows the
    type, so each may be asked for, except those whose key has been seen and was another.

    Args:
        tried: types of keys that the server has shown.
    """
    not_these = {way for key_type in tried for way in _SIGNED_BY.get(key_type, (key_type,))}
    known = {way for key in pinned for way in _SIGNED_BY.get(key.type, (key.type,))}
    every = tuple(way for way in KEY_TYPES if way not in not_these)
    return every if "" in known or not known else tuple(way for way in every if way in known)
