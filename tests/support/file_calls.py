"""Record what is done to files, in order, so that a test can tell what a power cut would leave.

Each call goes to the system as it is; only the record is ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class FileCalls:
    """The calls so far, by their order.

    Attributes:
        synced: each sync: (order, inode, size at that moment, time of the last change of the content).
        named: each name that was given: (order, path, inode).
        made: each folder that was made: (order, path).
    """

    synced: list[tuple[int, int, int, int]] = field(default_factory=list)
    named: list[tuple[int, Path, int]] = field(default_factory=list)
    made: list[tuple[int, Path]] = field(default_factory=list)

    def next(self) -> int:
        return len(self.synced) + len(self.named) + len(self.made)

    def assert_durable(self, path: Path) -> None:
        """Fail unless the whole content was synced before the file got its name, and the name afterwards."""
        there = path.stat()
        order, _, inode = next(one for one in reversed(self.named) if one[1] == path)
        assert inode == there.st_ino
        before = [one for one in self.synced if one[0] < order and one[1] == inode]
        assert before, f"{path} got its name before its content was synced"
        assert before[-1][2:] == (there.st_size, there.st_mtime_ns), "something was written after the sync"
        self._assert_synced_after(order, path.parent)

    def assert_folders_durable(self, *folders: Path) -> None:
        """Fail unless each of these folders was made, and its name synced afterwards."""
        made = {path: order for order, path in self.made}
        for folder in folders:
            self._assert_synced_after(made[folder], folder.parent)

    def _assert_synced_after(self, order: int, folder: Path) -> None:
        inode = folder.stat().st_ino
        assert any(one[0] > order and one[1] == inode for one in self.synced), f"{folder} was not synced afterwards"


def _at(name: Any, folder: int | None) -> Path:
    base = Path(f"/proc/self/fd/{folder}").readlink() if folder is not None else Path()
    return base / str(os.fspath(name))


@contextmanager
def recorded() -> Iterator[FileCalls]:
    """Record the calls of this process during the block."""
    calls = FileCalls()
    real_sync, real_mkdir = os.fsync, os.mkdir

    def sync(descriptor: int) -> None:
        real_sync(descriptor)
        status = os.fstat(descriptor)
        calls.synced.append((calls.next(), status.st_ino, status.st_size, status.st_mtime_ns))

    def mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        real_mkdir(path, mode, dir_fd=dir_fd)
        calls.made.append((calls.next(), _at(path, dir_fd)))

    def naming(real: Callable[..., None]) -> Callable[..., None]:
        def name(source: Any, target: Any, **options: Any) -> None:
            real(source, target, **options)
            path = _at(target, options.get("dst_dir_fd"))
            calls.named.append((calls.next(), path, path.stat().st_ino))

        return name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", sync)
        patch.setattr(os, "mkdir", mkdir)
        for call in ("rename", "replace", "link"):
            patch.setattr(os, call, naming(getattr(os, call)))
        yield calls
