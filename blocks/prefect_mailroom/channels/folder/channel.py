"""Files delivered to a local or mounted folder, below one root, each appearing complete or not at all.

The path is walked segment by segment with `O_NOFOLLOW`, so a symbolic link below the root, made before or during the
delivery, can lead nothing out of it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from prefect_mailroom.channels.base import (
    Channel,
    Destination,
    Grade,
    Parcel,
    ParcelFile,
    Receipt,
)
from prefect_mailroom.channels.files.destination import FileDestination
from prefect_mailroom.channels.files.names import targets, variants
from prefect_mailroom.channels.folder.look import forget, look
from prefect_mailroom.channels.folder.part_file import PartFile
from prefect_mailroom.channels.folder.threads import Share
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.durable import sync_folder
from prefect_mailroom.errors import ConfigurationError, MailroomError, Refused, RetryLater

_CHUNK = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT}
_SET_UP = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR}


class FolderDestination(FileDestination):
    """The path of the files below the folder, whose folders are made."""

    channel: Literal["folder"] = "folder"


class FolderChannel(Channel):
    """Delivers files to a folder that this machine can write to."""

    _block_type_name = "Mailroom Folder"
    _block_type_slug = "mailroom-folder"
    _description = "Delivers report files to a local or mounted folder."

    kind: ClassVar[str] = "folder"
    destination_type: ClassVar[type[Destination]] = FolderDestination

    root: str = Field(description="Absolute path of the folder. It must exist; nothing is written outside it.")

    @field_validator("root")
    @classmethod
    def _root_is_absolute(cls, root: str) -> str:
        if not Path(root).is_absolute() or "\0" in root:
            raise ValueError(f"root: '{root}' is not an absolute path; write one such as /srv/reports.")
        return root

    @classmethod
    def sends_as(cls, settings: Mapping[str, Any]) -> str:
        """Return the folder that it writes to."""
        return str(settings.get("root") or "")

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Write every file under its expanded path; a file already there with the same content counts as written."""
        destination = parcel.destination
        assert isinstance(destination, FolderDestination)
        placed = targets(destination.path, parcel)
        with _translated(self.root):
            written = await Share.of(str(Path(self.root))).run(
                lambda: [_deliver_file(Path(self.root), parcel, destination, *target) for target in placed]
            )
        reference = written[0]["path"] if written else self.root
        grade = Grade.STORED if written else Grade.ACCEPTED
        return Receipt(reference=reference, grade=grade, detail={"files": written})

    async def check(self, steps: Steps) -> str:
        """Write a small file to the root, read it back and remove it."""
        return await look(Path(self.root), steps, lambda: _translated(self.root))


def _deliver_file(
    root: Path, parcel: Parcel, destination: FolderDestination, file: ParcelFile, path: PurePosixPath
) -> dict[str, Any]:
    with _directory(root, path.parent) as folder:
        mode = destination.if_exists
        for placed in variants(path, parcel) if mode == "timestamp" else [path]:
            name = placed.name
            found = _digest_of(name, folder)
            fact = {"path": str(root / placed), "bytes": file.size, "sha256": file.sha256}
            if found == file.sha256:
                _confirm(name, folder)
                return {**fact, "was_there": True}
            if found is None or mode == "overwrite":
                try:
                    _write(file, name, folder, parcel.key, replace=mode == "overwrite")
                except FileExistsError:  # Another writer was faster: look again at what it wrote.
                    found = _digest_of(name, folder)
                    if found == file.sha256:
                        _confirm(name, folder)
                        return {**fact, "was_there": True}
                else:
                    return {**fact, "was_there": False}
            if mode == "fail":
                raise Refused(
                    f"'{placed}' exists with other content.",
                    remedy="Choose if_exists: overwrite or timestamp, or add {date} to the path.",
                )
    raise Refused(
        f"'{path}' and a hundred numbered variants of it exist already.",
        remedy=("Add {due} or {execution_id} to the path."),
    )


@contextlib.contextmanager
def _directory(root: Path, below: PurePosixPath) -> Iterator[int]:
    """Open a descriptor of the folder, made where missing. No link is followed below the root."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for segment in below.parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(segment, 0o755, dir_fd=folder)
                sync_folder(folder)
            try:
                inner = os.open(segment, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise ConfigurationError(
                        f"'{segment}' in '{below}' is a symbolic link or a file, not a folder.",
                        remedy="Choose another path, or remove what is there.",
                        field="path",
                    ) from error
                raise
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _digest_of(name: str, folder: int) -> str | None:
    """Return the SHA-256 of the file as it lies there, None where there is none, '' for anything but a plain file."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return ""
        raise
    with os.fdopen(descriptor, "rb") as existing:
        forget(descriptor)
        return hashlib.file_digest(existing, "sha256").hexdigest()


def _digest_as_stored(descriptor: int) -> str:
    """Return the SHA-256 of a synced file. By its own descriptor: on SMB its lock keeps every other one out."""
    forget(descriptor)
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb", closefd=False) as stored:
        return hashlib.file_digest(stored, "sha256").hexdigest()


def _confirm(name: str, folder: int) -> None:
    """Sync a file that another attempt wrote, which may have ended before it did so itself."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(folder)


def _write(file: ParcelFile, name: str, folder: int, key: str, *, replace: bool) -> None:
    """Copy under a temporary name in the same folder, sync, read back, give it its name at once, sync the folder."""
    part = PartFile(folder, key, name)
    try:
        digest = hashlib.sha256()
        with os.fdopen(part.descriptor, "wb", closefd=False) as target, file.path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        os.fsync(part.descriptor)
        if digest.hexdigest() != file.sha256:
            raise Refused(
                f"'{file.filename}' differs from the rendered file: its checksum is different.",
                remedy=("Run the schedule again."),
            )
        if _digest_as_stored(part.descriptor) != file.sha256:
            raise RetryLater(
                f"'{name}' reads differently from what was written.",
                remedy="Check the disk or the share: it does not keep what it is given.",
            )
        part.rename_to(name, replace=replace)
        sync_folder(folder)
    finally:
        part.close()


@contextlib.contextmanager
def _translated(root: str) -> Iterator[None]:
    try:
        yield
    except MailroomError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise RetryLater(
                f"No space is left in '{root}'.", remedy=("Free some space. The delivery will be tried again.")
            ) from error
        if error.errno in _SET_UP:
            raise ConfigurationError(
                f"The folder '{root}' cannot be written: {error.strerror}.",
                remedy="Check that it exists, is mounted, and that Mailroom's user may write to it.",
                field="root",
            ) from error
        raise RetryLater(f"Writing to '{root}' failed: {error.strerror}.") from error
