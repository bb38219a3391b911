"""The content-addressed store of rendered files: a file's name is the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from mailroom.errors import Unavailable
from mailroom.storage.database import new_id


class ArtifactStore:
    """A folder of files `ab/abcdef…`. Writing the same content twice keeps one file. Blocking: call it in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, sha256: str) -> Path:
        """Return where the content of this digest lies, whether or not it is there."""
        return self._root / sha256[:2] / sha256

    def take(self, source: Path, sha256: str) -> Path:
        """Move a finished file into the store; the source is gone afterwards."""
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            source.unlink()
            return target
        # The source may lie on another file system: bring it beside the target, then rename, which is atomic.
        staged = target.with_name(f".{new_id()}")
        shutil.move(source, staged)
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(target)
        return target

    def put(self, content: bytes) -> str:
        """Store bytes; returns their digest."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            staged = target.with_name(f".{new_id()}")
            staged.write_bytes(content)
            staged.replace(target)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return the content.

        Raises:
            FileNotFoundError: it has expired or was never there.
        """
        return self.path(sha256).read_bytes()


def check_space(folder: Path, least_mb: int) -> None:
    """Refuse to begin work that a full disk would break.

    Raises:
        Unavailable: less than `least_mb` MiB are free where `folder` lies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free // 2**20
    if free < least_mb:
        message = f"Only {free:,} MB are free in {folder}, but {least_mb:,} MB must stay free."
        raise Unavailable(message, remedy="Free some space, or lower MAILROOM_MIN_FREE_MB.")
