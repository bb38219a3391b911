"""Put files where a power cut leaves them whole: content is synced before its name, the name before it is told of.

A rename alone survives a crash of the process, not one of the machine: until the folder is synced, the file may be back
under its old name, and until the content is synced, the new name may show an empty file.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from pathlib import Path

from prefect_mailroom.errors import ConfigurationError

_WRITTEN_WITHIN_SECONDS = 2
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


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file as a whole: whoever reads it finds the old content or the new one, also after a power cut."""
    staged = path.with_name(f".{path.name}-{secrets.token_hex(8)}.part")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    sync_folder_at(path.parent)


def key_file(path: Path, make: str) -> str:
    """Return the content of a private file, created with `make` if it is not there yet.

    Raises:
        ConfigurationError: it is there and empty.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # Another process may have made the file just now, and be about to write the key.
        deadline = time.monotonic() + _WRITTEN_WITHIN_SECONDS
        while not (text := path.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not text:
            raise ConfigurationError(
                f"The key file {path} is empty.", remedy="Put the key back from a backup, or delete the file."
            ) from None
        return text
    with os.fdopen(descriptor, "w") as file:
        file.write(make + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder_at(path.parent)  # What is encrypted with a key whose file is gone after a power cut is lost.
    return make
