"""Copy the rendered files of the store into a backup and back. Each file's name is the digest of its content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mailroom.backups.manifest import ArtifactsPart, digest_of
from mailroom.backups.sqlite_copies import Progress
from mailroom.storage.artifacts import SHELVES

_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass
class Found:
    """A summary of a store: the number of its files, their bytes, and a digest of their names in order."""

    files: int = 0
    bytes: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Count one file."""
        self.files += 1
        self.bytes += path.stat().st_size
        self.names.append(path.name)

    def part(self, taken_at: datetime) -> ArtifactsPart:
        """Return it as a manifest says it."""
        digest = hashlib.sha256("\n".join(sorted(self.names)).encode()).hexdigest()
        return ArtifactsPart(files=self.files, bytes=self.bytes, names_sha256=digest, taken_at=taken_at)


def every(root: Path) -> Iterator[Path]:
    """Give the files of a store; those that have no name yet are still being written."""
    for shelf in SHELVES:
        folder = root / shelf
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def copy(source: Path, target: Path, progress: Progress) -> Found:
    """Copy every file that the target does not have. One that is removed meanwhile has expired, and is left out."""
    found, wanted = Found(), list(every(source))
    for number, path in enumerate(wanted, start=1):
        there = target / path.parent.name / path.name
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if not there.exists():
                _copy_one(path, there)
            found.add(there)
        except FileNotFoundError:
            there.unlink(missing_ok=True)
        progress(number, len(wanted))
    return found


def _copy_one(source: Path, target: Path) -> None:
    staged = target.with_name(f".{target.name}")
    staged.unlink(missing_ok=True)
    with source.open("rb") as read:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            shutil.copyfileobj(read, written, 2**20)
    staged.replace(target)


def damaged(root: Path, progress: Progress) -> tuple[Found, list[str]]:
    """Read every file of a backup; return what there is, and the names of those whose content is another."""
    found, wrong, wanted = Found(), [], list(every(root))
    for number, path in enumerate(wanted, start=1):
        found.add(path)
        if digest_of(path)[1] != path.name:
            wrong.append(path.name)
        progress(number, len(wanted))
    return found, wrong
