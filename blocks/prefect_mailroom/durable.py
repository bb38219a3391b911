"""Put files where a power cut leaves them whole: content is synced before its name, the name before it is told of.

A rename alone survives a crash of the process, not one of the machine: until the folder is synced, the file may be back
under its old name, and until the content is synced, the new name may show an empty file.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_CANNOT_SYNC_FOLDERS = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
"""The answers of file systems, some of them on the network, that offer no sync of a folder."""


def sync_folder(descriptor: int) -> None:
    """Sync the names in an open folder, where its file system offers that.

    Raises:
        OSError: the sync failed, so that nothing can be said about the names.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise


def sync_folder_at(path: Path) -> None:
    """Sync the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_folder(descriptor)
    finally:
        os.close(descriptor)


def make_folders(path: Path) -> None:
    """Make a folder and those above it where they are missing; the names of the new ones are synced."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder_at(folder.parent)
