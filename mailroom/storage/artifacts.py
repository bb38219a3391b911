"""The content-addressed store of rendered files: a file's name is the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from mailroom.errors import Unavailable
from mailroom.storage.database import new_id
from prefect_mailroom.durable import make_folders, sync_folder_at


class ArtifactStore:
    """A folder of files `ab/abcdef…`. Writing the same content twice keeps one file. Blocking: call it in a thread.

    What `take` and `put` return is there after a power cut too: content and name are synced, in this order.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, sha256: str) -> Path:
        """Return where the content of this digest lies, whether or not it is there."""
        return self._root / sha256[:2] / sha256

    def take(self, source: Path, sha256: str) -> Path:
        """Move a finished file into the store; the source is gone afterwards."""
        target = self.path(sha256)
        make_folders(target.parent)
        if _is_there(target, source.stat().st_size):
            source.unlink()
        else:
            # The source may lie on another file system: bring it beside the target, then rename, which is atomic.
            staged = _staged(target)
            shutil.move(source, staged)
            _sync_and_rename(staged, target)
        sync_folder_at(target.parent)
        return target

    def put(self, content: bytes) -> str:
        """Store bytes; returns their digest."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        make_folders(target.parent)
        if not _is_there(target, len(content)):
            staged = _staged(target)
            staged.write_bytes(content)
            _sync_and_rename(staged, target)
        sync_folder_at(target.parent)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return the content.

        Raises:
            FileNotFoundError: it has expired or was never there.
        """
        return self.path(sha256).read_bytes()


def _is_there(target: Path, size: int) -> bool:
    """Tell whether the content is there whole: a machine that stopped may have left a shorter file under its name."""
    try:
        return target.stat().st_size == size
    except FileNotFoundError:
        return False


def _staged(target: Path) -> Path:
    return target.with_name(f".{new_id()}")


def _sync_and_rename(staged: Path, target: Path) -> None:
    with staged.open("rb") as file:
        os.fsync(file.fileno())
    staged.replace(target)


def check_space(folder: Path, least_mb: int) -> None:
    """Refuse to begin work that a full disk would break.

    Raises:
        Unavailable: less than `least_mb` MiB are free where `folder` lies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free // 2**20
    if free < least_mb:
        message = f"Only {free:,} MB are free in {folder}; {least_mb:,} MB are kept free."
        raise Unavailable(message, remedy="Free some space, or lower MAILROOM_MIN_FREE_MB.")
