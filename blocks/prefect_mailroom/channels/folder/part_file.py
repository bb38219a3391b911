"""Give each attempt to write a file a temporary name of its own, and remove what dead attempts left.

A living attempt holds a lock on its temporary file, which ends with its process. The names are counted: whoever needs
one takes the first that nobody holds, and removes the file of a dead attempt that has it. So leftovers never add up,
and no large folder has to be listed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import time
from contextlib import suppress

from prefect_mailroom.errors import ConfigurationError, RetryLater

_MOST_AT_ONCE = 50
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_ABANDONED_AFTER = 2 * 3600.0
"""After how many seconds a file counts as dead where the file system knows no locks: no attempt may take this long."""


class PartFile:
    """A new file under a temporary name in an open folder, locked until it is closed.

    Attributes:
        name: the temporary name.
        descriptor: the file, open for writing and reading.
    """

    def __init__(self, folder: int, key: str, final: str) -> None:
        """Make the file.

        Args:
            key: the delivery's key: its attempts share their row of names with each other alone.
            final: the name that the file shall get.

        Raises:
            RetryLater: too many attempts write this file at once.
        """
        self._folder = folder
        self.name, self.descriptor = _make(folder, key, final)
        self._has_temporary_name = True

    def rename_to(self, final: str, *, replace: bool) -> None:
        """Give the file its name in one step; what has that name is replaced, or stays.

        Raises:
            FileExistsError: the name is taken, and nothing may be replaced.
            RetryLater: somebody took the temporary file away.
            ConfigurationError: the file system cannot keep what is there.
        """
        try:
            if replace:
                os.rename(self.name, final, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                # From here on another attempt may use the temporary name; it is not ours to remove.
                self._has_temporary_name = False
            else:  # Unlike a rename, a link overwrites nothing.
                os.link(self.name, final, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except FileNotFoundError as error:
            raise RetryLater(f"The temporary file of '{final}' was removed while it was being written.") from error
        except OSError as error:
            if replace or error.errno not in _NO_LINKS:
                raise
            raise ConfigurationError(
                "The file system of the folder has no hard links, without which a file there could be overwritten.",
                remedy="Choose if_exists: overwrite, with {due} or {execution_id} in the path, or another folder.",
                field="if_exists",
            ) from error

    def close(self) -> None:
        """Remove the temporary name where it is still there, then give the lock back."""
        try:
            if self._has_temporary_name:
                with suppress(FileNotFoundError):
                    os.unlink(self.name, dir_fd=self._folder)
        finally:
            os.close(self.descriptor)


def _make(folder: int, key: str, final: str) -> tuple[str, int]:
    stem = f".mailroom-{hashlib.sha256(f'{key}/{final}'.encode()).hexdigest()[:24]}"
    for number in range(_MOST_AT_ONCE):
        name = f"{stem}-{number}.part" if number else f"{stem}.part"
        _remove_if_dead(name, folder)
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW
            descriptor = os.open(name, flags, 0o644, dir_fd=folder)
        except FileExistsError:
            continue
        if _lock(descriptor) is not False and _is_still(name, descriptor, folder):
            return name, descriptor
        os.close(descriptor)  # Another attempt took it for a dead one's in the moment before it was locked.
    raise RetryLater(f"{_MOST_AT_ONCE} attempts write '{final}' at once.")


def _remove_if_dead(name: str, folder: int) -> None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):  # A link is nobody's temporary file; it stays.
            return
        raise
    try:
        locked = _lock(descriptor)
        if locked is None:
            locked = time.time() - os.fstat(descriptor).st_mtime > _ABANDONED_AFTER
        if locked and _is_still(name, descriptor, folder):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Take the lock of a file; returns whether it could be had, None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_still(name: str, descriptor: int, folder: int) -> bool:
    """Tell whether the open file is the one that has this name now."""
    try:
        named = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
