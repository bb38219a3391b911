"""The data folder: private, writable, with room on its disk, used by one `up` at a time, and its keys."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailroom.settings import Settings
from prefect_mailroom.durable import key_file, replace_file, sync_folder_at
from prefect_mailroom.errors import ConfigurationError

LOCK = "up.lock"


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


def api_key(settings: Settings) -> str:
    """Return the key of the REST API: the setting, or the one that is kept in the data folder."""
    return settings.api_key.get_secret_value() or key_file(settings.data_dir / "api-key", secrets.token_urlsafe(32))


def key_pepper(settings: Settings) -> str:
    """Return the secret with which the keys of users are hashed: the setting, or the one in the data folder."""
    return settings.key_pepper.get_secret_value() or key_file(settings.data_dir / "key-pepper", secrets.token_hex(32))


def identity_key(settings: Settings) -> str:
    """Return the secret that signs identities for HTTP sources: the setting, or the one in the data folder."""
    kept = settings.data_dir / "identity-key"
    return settings.identity_key.get_secret_value() or key_file(kept, secrets.token_hex(32))


def link_key(settings: Settings) -> str:
    """Return the secret that signs links in what is sent: the setting, or the one in the data folder."""
    return settings.link_key.get_secret_value() or key_file(settings.data_dir / "link-key", secrets.token_hex(32))


def encryption_key(settings: Settings) -> str:
    """Return the Fernet key of the embedded Prefect's blocks; Prefect would keep one beside the secrets it guards.

    Raises:
        ConfigurationError: some blocks may need another key already, since a change of it broke off.
    """
    files = BlockKeyFiles.of(settings)
    if files.following.exists():
        raise ConfigurationError(
            "The key of Prefect's blocks was being changed, and that was broken off.",
            remedy="Run `mailroom keys rotate` again: it goes on where it was. Then start.",
            field="",
        )
    return key_file(files.current, fresh_block_key())


def fresh_block_key() -> str:
    """Return a new key for Prefect's blocks."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class BlockKeyFiles:
    """The files of the key of the embedded Prefect's blocks.

    `following` is there while the key is changed, and has the new one. `former` has the last one: backups need it.
    """

    current: Path
    following: Path
    former: Path

    @classmethod
    def of(cls, settings: Settings) -> BlockKeyFiles:
        """Return the files in the data folder."""
        current = settings.data_dir / "prefect-encryption-key"
        return cls(current, current.with_name(f"{current.name}.new"), current.with_name(f"{current.name}.former"))

    def begin(self) -> tuple[str, str]:
        """Return the old key and the new one, which is on the disk before anything is encrypted with it."""
        return key_file(self.current, fresh_block_key()), key_file(self.following, fresh_block_key())

    def finish(self) -> None:
        """Put the new key in the place of the old one, in an order that a power cut leaves whole."""
        replace_file(self.former, self.current.read_bytes())
        self.following.replace(self.current)
        sync_folder_at(self.current.parent)


def audit_key(settings: Settings) -> str:
    """Return the key that signs the audit trail's checkpoints: the setting, or the one that is kept in the folder."""
    fresh = base64.b64encode(secrets.token_bytes(32)).decode()
    return settings.audit_key.get_secret_value() or key_file(settings.data_dir / "audit-key", fresh)


def known_keys(settings: Settings) -> dict[str, str]:
    """Return the keys that a backup is useless without, by their variables, as far as they are known; none is made."""
    given = {
        "PREFECT_SERVER_ENCRYPTION_KEY": (settings.prefect_encryption_key, BlockKeyFiles.of(settings).current),
        "MAILROOM_KEY_PEPPER": (settings.key_pepper, settings.data_dir / "key-pepper"),
        "MAILROOM_AUDIT_KEY": (settings.audit_key, settings.data_dir / "audit-key"),
        "MAILROOM_IDENTITY_KEY": (settings.identity_key, settings.data_dir / "identity-key"),
        "MAILROOM_LINK_KEY": (settings.link_key, settings.data_dir / "link-key"),
    }
    return {
        name: value.get_secret_value() or (path.read_text().strip() if path.is_file() else "")
        for name, (value, path) in given.items()
    }
