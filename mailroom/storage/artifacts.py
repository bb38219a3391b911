"""The content-addressed store of rendered files: a file's name is the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from mailroom.errors import Unavailable
from mailroom.storage.database import new_id
from prefect_mailroom.durable import make_folders, sync_folder_at

SHELVES = [f"{number:02x}" for number in range(256)]
"""The names of the folders below the root."""


class ArtifactStore:
    """A folder of files `ab/abcdef…`. Writing the same content twice keeps one file. Blocking: call it in a thread.

    What `take` and `put` return is there after a power cut too: content and name are synced, in this order.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, sha256: str) -> Path:
        """Return where the content of this digest lies, whether or not it is there."""
        return self._root / sha256[:2] / sha256

    def find(self, sha256: str) -> Path | None:
        """Return where the content lies, or None where it has expired or was never there.

        A share may remember for half a minute that a file was missing which another host has written since. To list the
        folder makes it ask again.
        """
        target = self.path(sha256)
        if not target.is_file():
            _entries(target.parent)
        return target if target.is_file() else None

    def take(self, source: Path, sha256: str) -> Path:
        """Move a finished file into the store; the source is gone afterwards."""
        target = self.path(sha256)
        make_folders(target.parent)
        if _is_there(target, source.stat().st_size):
            source.unlink()
        else:
            # The source may lie on another file system: bring it beside the target, then rename, which is atomic.
            with _staging(target) as staged:
                shutil.move(source, staged)
        sync_folder_at(target.parent)
        return target

    def put(self, content: bytes) -> str:
        """Store bytes; returns their digest."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        make_folders(target.parent)
        if not _is_there(target, len(content)):
            with _staging(target) as staged:
                staged.write_bytes(content)
        sync_folder_at(target.parent)
        return sha256

    def old_files(self, shelf: str, *, before: datetime, limit: int) -> list[str]:
        """Return the digests of files of a shelf that were last used before this moment."""
        old = []
        for entry in _entries(self._root / shelf):
            if not entry.name.startswith(".") and _is_older(entry, before):
                old.append(entry.name)
                if len(old) == limit:
                    break
        return old

    def remove(self, sha256: str, *, before: datetime) -> bool:
        """Remove a file unless it was used since this moment; returns whether it is gone now."""
        target = self.path(sha256)
        aside = _staged(target)
        try:
            target.rename(aside)
        except FileNotFoundError:
            return False  # Another process was faster.
        if aside.stat().st_mtime >= before.timestamp():
            # It was used between the look and now. From here on whoever needs it does not find it, and writes it anew.
            aside.rename(target)
            return False
        aside.unlink()
        return True

    def remove_broken_off(self, shelf: str, *, before: datetime) -> int:
        """Remove files of a shelf that were begun before this moment and never got their name."""
        removed = 0
        for entry in _entries(self._root / shelf):
            if entry.name.startswith(".") and _is_older(entry, before):
                Path(entry.path).unlink(missing_ok=True)
                removed += 1
        return removed

    def read(self, sha256: str) -> bytes:
        """Return the content.

        Raises:
            FileNotFoundError: it has expired or was never there.
        """
        return (self.find(sha256) or self.path(sha256)).read_bytes()


def _is_there(target: Path, size: int) -> bool:
    """Tell whether the content is there whole: a machine that stopped may have left a shorter file under its name.

    A file that is there becomes young again, so that nobody removes it as an old one.
    """
    try:
        os.utime(target)
        return target.stat().st_size == size
    except FileNotFoundError:
        return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _is_older(entry: os.DirEntry[str], before: datetime) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _staged(target: Path) -> Path:
    return target.with_name(f".{new_id()}")


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Give a path beside the target to write to; what is there then gets the target's name, or is removed."""
    staged = _staged(target)
    try:
        yield staged
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        _rename(staged, target)
    except BaseException:
        # On a full disk a half of it would take the room that the next try needs.
        staged.unlink(missing_ok=True)
        raise


def _rename(staged: Path, target: Path) -> None:
    """Give a staged file its name.

    A share may do so, lose the answer, and say to the repetition that there is no such file: then the name tells.
    """
    size = staged.stat().st_size
    try:
        staged.replace(target)
    except FileNotFoundError:
        if not _is_there(target, size):
            raise


def remove_left_over_folders(parent: Path, prefix: str, *, before: datetime) -> int:
    """Remove working folders that nothing was written to since this moment: their process died."""
    removed = 0
    for entry in _entries(parent):
        if entry.name.startswith(prefix) and entry.is_dir(follow_symlinks=False) and _is_older(entry, before):
            shutil.rmtree(entry.path, ignore_errors=True)
            removed += not Path(entry.path).exists()
    return removed


def check_space(folder: Path, least_mb: int) -> None:
    """Refuse to begin work that a full disk would break.

    Raises:
        Unavailable: less than `least_mb` MiB are free where `folder` lies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (free := free_mb(folder)) < least_mb:
        message = f"Only {free:,} MB are free in {folder}, but {least_mb:,} MB must stay free."
        raise Unavailable(message, remedy="Free some space, or lower MAILROOM_MIN_FREE_MB.")


def free_mb(folder: Path) -> int:
    """Return how many MiB are free where the folder lies."""
    return shutil.disk_usage(folder).free // 2**20
