"""Tell a disk that is full from other faults: what could not be written is tried again once there is room."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailroom.errors import Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}


def is_full(error: BaseException | None) -> bool:
    """Tell whether an error, or what it came from, says that a disk or its quota is full. Pure."""
    while error is not None:
        # Libraries that write by themselves keep the words alone.
        if (isinstance(error, OSError) and error.errno in _FULL) or "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def no_room(folder: Path) -> Unavailable:
    """Return the error of whoever needs room on the disk of this folder."""
    message = f"No space is left on the disk of {folder}."
    return Unavailable(message, remedy="Free some space. What has to be written is tried again.")


@contextmanager
def needs_room(folder: Path) -> Iterator[None]:
    """Do something that writes to the folder.

    Raises:
        Unavailable: the disk is full.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise no_room(folder) from error
        raise
