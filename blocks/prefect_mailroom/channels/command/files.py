"""Give a program copies of the files under their own names, so that it can change nothing of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.errors import Refused
from prefect_mailroom.text.filenames import safe_filename

_CHUNK = 1024 * 1024


def copied(files: Sequence[ParcelFile], folder: Path) -> list[Path]:
    """Copy the files into a new folder `files`, in order; a name that two of them have is counted.

    Raises:
        Refused: a file differs from the one that was rendered.
    """
    below = folder / "files"
    below.mkdir(mode=0o700)
    return [_copied(file, below) for file in files]


def _copied(file: ParcelFile, folder: Path) -> Path:
    target = _free(folder / safe_filename(file.filename, max_bytes=240))
    digest = hashlib.sha256()
    with file.path.open("rb") as source, target.open("xb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise Refused(
            f"'{file.filename}' differs from the rendered file: its checksum is different.",
            remedy="Run the schedule again.",
        )
    return target


def _free(path: Path) -> Path:
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
