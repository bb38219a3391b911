"""The data folder: private, writable, with room on its disk, used by one `up` at a time, and its keys."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailroom.settings import Settings
from prefect_mailroom.durable import sync_folder_at
from prefect_mailroom.errors import ConfigurationError

LOCK = "up.lock"
_WRITTEN_WITHIN_SECONDS = 2


def prepare(settings: Settings) -> None:
    """Create the folder for its owner alone.

    Raises:
        ConfigurationError: it cannot be created or written, or the disk is full.
    """
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("logs", "prefect", "delivered"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {folder} cannot be used: {error.strerror}.",
            field="MAILROOM_DATA_DIR",
            remedy="Make it writable, or set the variable to another folder.",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"The data folder {folder} cannot be written.",
            field="MAILROOM_DATA_DIR",
            remedy="Make it writable, or set the variable to another folder.",
        )
    check_space(settings)


def free_mb(folder: Path) -> int:
    """Return the free space of the disk that holds the folder, in MiB."""
    return shutil.disk_usage(folder).free // 2**20


def check_space(settings: Settings) -> None:
    """Refuse to start on a full disk.

    Raises:
        ConfigurationError: less than `min_free_mb` is left.
    """
    left = free_mb(settings.data_dir)
    if left < settings.min_free_mb:
        raise ConfigurationError(
            (
                f"The disk of {settings.data_dir} has {left} MB of free space; at least "
                f"{settings.min_free_mb} MB are needed."
            ),
            remedy="Free some space, or move MAILROOM_DATA_DIR; MAILROOM_MIN_FREE_MB sets the limit.",
        )


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold the folder for this process; gives the lock's descriptor, which the guard keeps open as well.

    Raises:
        ConfigurationError: another `up` has it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            by = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise ConfigurationError(
                f"The data folder {folder} is in use by another Mailroom{f' (process {by})' if by else ''}.",
                remedy="Stop that Mailroom, or set MAILROOM_DATA_DIR to another folder.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _key_file(path: Path, make: str) -> str:
    """Return the content of a private file, created with `make` if it is not there yet."""
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


def api_key(settings: Settings) -> str:
    """Return the key of the REST API: the setting, or the one that is kept in the data folder."""
    return settings.api_key.get_secret_value() or _key_file(settings.data_dir / "api-key", secrets.token_urlsafe(32))


def key_pepper(settings: Settings) -> str:
    """Return the secret with which the keys of users are hashed: the setting, or the one in the data folder."""
    return settings.key_pepper.get_secret_value() or _key_file(settings.data_dir / "key-pepper", secrets.token_hex(32))


def identity_key(settings: Settings) -> str:
    """Return the secret that signs identities for HTTP sources: the setting, or the one in the data folder."""
    kept = settings.data_dir / "identity-key"
    return settings.identity_key.get_secret_value() or _key_file(kept, secrets.token_hex(32))


def encryption_key(settings: Settings) -> str:
    """Return the Fernet key of the embedded Prefect's blocks; Prefect would keep one beside the secrets it guards."""
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return _key_file(settings.data_dir / "prefect-encryption-key", fresh)
