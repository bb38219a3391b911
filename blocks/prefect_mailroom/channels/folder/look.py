"""Look at a folder step by step: write a small file, read it back, remove it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from prefect_mailroom.channels.folder.threads import Share
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import RetryLater


async def look(root: Path, steps: Steps, translated: Callable[[], AbstractContextManager[None]]) -> str:
    """Return one line about the folder.

    Args:
        translated: turns errors of the file system into ours.

    Raises:
        ConfigurationError, RetryLater: the step at fault says why.
    """
    share, content = Share.of(str(root)), secrets.token_bytes(64)
    file = root / f".mailroom-check-{secrets.token_hex(8)}"
    try:
        with steps.step(StepName.WRITE) as told, translated():
            free = await share.run(lambda: _write(file, content))
            told.message = f"A file was written; {free:,} bytes are free."
        with steps.step(StepName.READ_BACK) as told, translated():
            if await share.run(lambda: _read(file)) != content:
                raise RetryLater(
                    f"What was written to '{root}' reads differently.",
                    remedy="Check the disk or the share: it does not keep what it is given.",
                )
            told.message = "It was read back as it was written."
        with steps.step(StepName.DELETE) as told, translated():
            await share.run(file.unlink)
            told.message = "It was removed again."
    except BaseException:
        with suppress(OSError, RetryLater):
            await share.run(lambda: file.unlink(missing_ok=True))
        raise
    return f"{root} can be written; {free:,} bytes are free."


def _write(file: Path, content: bytes) -> int:
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o644)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    status = os.statvfs(file.parent)
    return status.f_bavail * status.f_frsize


def _read(file: Path) -> bytes:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        forget(descriptor)
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def forget(descriptor: int) -> None:
    """Have this machine forget what it holds of a synced file in memory, so that it is read from where it lies."""
    with suppress(OSError):  # Not every file system can; then it is read as it is.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
