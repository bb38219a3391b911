"""Keep signed checkpoints of the audit trail in a file outside the database: one JSON object a line, only added to.

A checkpoint says: at this time the chain had this hash at this place. Whoever changes the database cannot make another
one that fits, without the key. Blocking: call it in a thread where a loop is shared.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mailroom.audit.sealing import signing
from mailroom.audit.sealing.chain import canonical
from prefect_mailroom.durable import make_folders, sync_folder_at

_END_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The hash of the chain of a trail at a place, at a time; `key` names the key that has signed it."""

    trail_id: str
    position: int
    hash: str
    at: datetime
    key: str
    signature: str = ""

    def claim(self) -> dict[str, Any]:
        """Return what is signed."""
        return {
            "trail": self.trail_id,
            "position": self.position,
            "hash": self.hash,
            "at": self.at.astimezone(UTC).isoformat(),
            "key": self.key,
        }

    def line(self) -> bytes:
        """Return the line of the file."""
        return canonical({**self.claim(), "signature": self.signature}) + b"\n"

    def is_signed_by(self, keys: Sequence[Ed25519PublicKey]) -> bool:
        """Tell whether one of the keys has signed exactly this."""
        return any(signing.is_signed(key, self.signature, canonical(self.claim())) for key in keys)


def make(key: Ed25519PrivateKey, *, trail_id: str, position: int, hash: str, at: datetime) -> Checkpoint:  # noqa: A002  the word of the column
    """Return a signed checkpoint. Pure."""
    name = signing.fingerprint(key.public_key())
    claim = Checkpoint(trail_id, position, hash, at, name)
    signature = base64.b64encode(key.sign(canonical(claim.claim()))).decode()
    return Checkpoint(trail_id, position, hash, at, name, signature)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file of checkpoints; `checkpoint` is None where it is none."""

    number: int
    checkpoint: Checkpoint | None


def read(path: Path) -> list[Line]:
    """Return the lines of the file, none where there is no file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return list(_lines(file.read()))
    except FileNotFoundError:
        return []


def _lines(content: bytes) -> Iterator[Line]:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield Line(number, _parsed(line))


def _parsed(line: bytes) -> Checkpoint | None:
    try:
        data = json.loads(line)
        at = datetime.fromisoformat(str(data["at"]))
        found = Checkpoint(
            str(data["trail"]), int(data["position"]), str(data["hash"]), at, str(data["key"]), str(data["signature"])
        )
    except (ValueError, KeyError, TypeError):
        return None
    return found if at.tzinfo is not None else None


def last(path: Path) -> Checkpoint | None:
    """Return the last checkpoint of the file, or None where there is none. Only the end of the file is read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
            lines = list(_lines(file.read()))
    except FileNotFoundError:
        return None
    return next((line.checkpoint for line in reversed(lines) if line.checkpoint), None)


def append(path: Path, checkpoint: Checkpoint) -> bool:
    """Add a checkpoint and sync it; return whether it was added. Another process may have added a later one."""
    make_folders(path.parent)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = last(path)
        if before is not None and before.trail_id == checkpoint.trail_id and before.position >= checkpoint.position:
            return False
        if _is_torn(path):
            file.write(b"\n")  # What a power cut left of a line stays a line of its own.
        file.write(checkpoint.line())
        file.flush()
        os.fsync(file.fileno())
    sync_folder_at(path.parent)
    return True


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"
