"""A job's files appear in its folder together, once all of them are whole; until then they lie in a working folder."""

from __future__ import annotations

import errno
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mailroom.errors import Unavailable
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.reports.errors import RenderFailed
from mailroom.storage.full_disk import is_full, no_room

_LOG = logging.getLogger(__name__)
_REMOVALS = 100
"""Tries to remove a folder that others remove or fill at the same time."""


def working_path(job: RenderJob, pid: int) -> Path:
    """Return where the renderer process `pid` makes a job's files."""
    return job.folder / f".rendering-{pid}"


@contextmanager
def working_folder(job: RenderJob, pid: int) -> Iterator[Path]:
    """Give the working path, and remove whatever is in it at the end. An error inside is never hidden by that."""
    path = working_path(job, pid)
    try:
        yield path
    finally:
        remove(path)


def remove(folder: Path) -> None:
    """Remove a folder that may not exist, also while another thread removes a part of it. Blocking.

    What cannot be removed stays, with a line in the log.
    """
    faults: list[tuple[str, BaseException]] = []

    def failed(_function: object, path: str, raised: tuple[type[BaseException], BaseException, object]) -> None:
        if not isinstance(raised[1], FileNotFoundError):
            faults.append((path, raised[1]))

    for _ in range(_REMOVALS):
        faults.clear()
        shutil.rmtree(folder, onerror=failed)
        if not any(isinstance(error, OSError) and error.errno == errno.ENOTEMPTY for _, error in faults):
            break
    for path, error in faults:
        _LOG.warning("%s could not be removed: %s", path, error)


def not_put(folder: Path, error: OSError) -> RenderFailed | Unavailable:
    """Return the error of a job whose files could not be put into its folder: a full disk is tried again."""
    if is_full(error):
        return no_room(folder)
    reason = error.strerror or type(error).__name__
    return RenderFailed(
        f"The files cannot be written to {folder}: {reason}.",
        remedy="Check the folder's owner and permissions.",
    )


def publish(result: RenderResult, folder: Path) -> RenderResult:
    """Return the result with its files moved to `folder`: all of them, or none.

    Raises:
        OSError: a file cannot be moved.
    """
    moved: list[Path] = []
    try:
        pictures = [result.picture] if result.picture else []
        for path in [*(file.path for file in result.files), *result.mail_images.values(), *pictures]:
            moved.append(path.replace(folder / path.name))  # noqa: PERF401 - must be known if a later one fails
    except OSError:
        for path in moved:
            with suppress(OSError):  # The first error is the one to tell.
                path.unlink()
        raise
    files = [file.model_copy(update={"path": folder / file.path.name}) for file in result.files]
    images = {name: folder / path.name for name, path in result.mail_images.items()}
    picture = folder / result.picture.name if result.picture else None
    return result.model_copy(update={"files": files, "mail_images": images, "picture": picture})


def handed_over(result: RenderResult, folder: Path) -> RenderResult:
    """Return the result with its files in `folder` too: all of them, or none. Blocking.

    They are linked, not copied, where the file system allows it: nobody changes a rendered file.

    Raises:
        OSError: a file cannot be put there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rendering-", dir=folder) as staged:
        files = [file.model_copy(update={"path": _linked(file.path, Path(staged))}) for file in result.files]
        images = {name: _linked(path, Path(staged)) for name, path in result.mail_images.items()}
        picture = _linked(result.picture, Path(staged)) if result.picture else None
        changes = {"files": files, "mail_images": images, "picture": picture}
        return publish(result.model_copy(update=changes), folder)


def _linked(path: Path, folder: Path) -> Path:
    target = folder / path.name
    try:
        target.hardlink_to(path)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        shutil.copyfile(path, target)
    return target
