"""Name the paths of a parcel's files, and their variants. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text import variables

_MOST_BYTES_OF_NAME = 200
"""Keep so many bytes of a file's name where something is added to it: a name may have 255 bytes."""


def targets(path: str, parcel: Parcel) -> list[tuple[ParcelFile, PurePosixPath]]:
    """Return each file with its path below the root folder.

    Raises:
        ConfigurationError: the path is unsafe with its values, lacks one, or is the same for two files.
    """
    found: dict[PurePosixPath, ParcelFile] = {}
    for file in parcel.files:
        expanded = variables.expand_path(path, variables.for_file(parcel.variables, file.filename))
        if expanded in found:
            raise ConfigurationError(
                f"'{found[expanded].filename}' and '{file.filename}' would both be written to '{expanded}'.",
                remedy="Add {ext} or {file_name} to the path.",
                field="path",
            )
        found[expanded] = file
    return [(file, expanded) for expanded, file in found.items()]


def variants(path: PurePosixPath, parcel: Parcel) -> Iterator[PurePosixPath]:
    """Yield the plain path, then one with the due time, then counted ones: the same row for every attempt."""
    yield path
    due = parcel.variables.get("due")
    stamp = (due if isinstance(due, datetime) else datetime.now(UTC)).strftime("%Y%m%dT%H%M%S")
    suffix = cut(path.suffix, 20)
    for count in range(1, 100):
        yield path.with_name(f"{cut(path.stem)}-{stamp}{'' if count == 1 else f'-{count}'}{suffix}")


def cut(name: str, most: int = _MOST_BYTES_OF_NAME) -> str:
    """Return the beginning of a name, whole characters that take no more bytes than that."""
    return name.encode()[:most].decode(errors="ignore")
