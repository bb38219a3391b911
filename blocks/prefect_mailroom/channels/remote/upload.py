"""Bring a parcel's files to a server step by step; each file appears complete or not at all.

All files are written under temporary names first, and their sizes checked; then each gets its name. A file that is
there already with the same content counts as delivered, so a second attempt with the same key makes no second copy.
Whether it is the same is found out by reading it back as far as it is the same: that ends early where it differs, and
needs no checksum from the server, which few have.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.files.names import targets, variants
from prefect_mailroom.channels.remote import faults, names
from prefect_mailroom.channels.remote.destination import RemoteFileDestination
from prefect_mailroom.channels.remote.folder import NOT_A_FILE, Lost, RemoteFolder
from prefect_mailroom.errors import MailroomError, Refused, RetryLater

_CHUNK = 256 * 1024
_MOST_RACES = 20
"""Limit how often another writer may be faster before the attempt is given up."""


@dataclass
class _Part:
    """Follow one file on its way.

    Attributes:
        path: where it shall be by the schedule.
        temporary: where it is written.
        place: the path that it shall get, once that is chosen.
        is_written: whether its temporary file is complete.
        was_asked: whether the server was asked for the rename, and gave no answer.
        fact: what the receipt says about it, once it is delivered.
    """

    file: ParcelFile
    path: PurePosixPath
    temporary: PurePosixPath
    place: PurePosixPath
    is_written: bool = False
    was_asked: bool = False
    fact: dict[str, Any] | None = None


class Upload:
    """Make one attempt to deliver a parcel. It can be continued on another session where the first was lost.

    Attributes:
        may_be_visible: whether a file of this attempt may have got its name already.
    """

    def __init__(self, parcel: Parcel, destination: RemoteFileDestination, check_stop: Callable[[], None]) -> None:
        """Plan the attempt.

        Args:
            check_stop: called before each step; what it raises ends the attempt.

        Raises:
            ConfigurationError: the path is unsafe with its values, or the same for two files.
        """
        self.may_be_visible = False
        self._parcel = parcel
        self._destination = destination
        self._replaces = destination.if_exists == "overwrite"
        self._check_stop = check_stop
        self._parts = [
            _Part(file, path, names.temporary(path, parcel.key, parcel.attempt), path)
            for file, path in targets(destination.path, parcel)
        ]

    def run(self, folder: RemoteFolder) -> list[dict[str, Any]]:
        """Do what is left to do, and return for each file its path, size, checksum, and how it got there.

        Raises:
            Lost: the session ended. `run` may be called again with a new one.
            ConfigurationError, RetryLater, Refused: the server, or what is there, does not let the files in. No
                temporary file is left.
        """
        try:
            for part in self._parts:
                if not part.is_written and part.fact is None:
                    self._write(folder, part)
            return [part.fact or self._place(folder, part) for part in self._parts]
        except Lost:
            raise
        except BaseException:
            self._tidy(folder)
            raise

    def _write(self, folder: RemoteFolder, part: _Part) -> None:
        """Write the file under its temporary name, unless it is there already under its own."""
        self._check_stop()
        folder.enter(part.path.parent, make=self._destination.make_folders)
        for leftover in names.leftovers(part.path, self._parcel.key, self._parcel.attempt):
            folder.remove(leftover)
        if self._choose(folder, part):
            return
        digest = hashlib.sha256()
        folder.put(part.temporary, self._chunks(part.file, digest.update))
        if digest.hexdigest() != part.file.sha256:
            raise Refused(
                f"'{part.file.filename}' differs from the rendered file: its checksum is different.",
                remedy="Run the schedule again.",
            )
        if (found := folder.size(part.temporary)) != part.file.size:
            raise faults.is_cut(folder.where, folder.shown(part.path), found, part.file.size)
        part.is_written = True

    def _chunks(self, file: ParcelFile, seen: Callable[[bytes], object]) -> Iterator[bytes]:
        with _opened(file) as source:
            while chunk := source.read(_CHUNK):
                self._check_stop()
                seen(chunk)
                yield chunk

    def _choose(self, folder: RemoteFolder, part: _Part) -> bool:
        """Choose the place of a file, and tell whether it is there already."""
        mode = self._destination.if_exists
        for place in variants(part.path, self._parcel) if mode == "timestamp" else [part.path]:
            self._check_stop()
            part.place = place
            found = folder.size(place)
            if found is None:
                return False
            if found == part.file.size and self._is_same(folder, place, part.file):
                part.fact = self._fact(folder, part, was_there=True)
                return True
            if mode == "overwrite":
                return False
            if mode == "fail":
                raise faults.exists(folder.shown(place))
        raise faults.all_names_taken(folder.shown(part.path))

    def _is_same(self, folder: RemoteFolder, place: PurePosixPath, file: ParcelFile) -> bool:
        """Read what is there for as long as it is the same as our file."""
        with _opened(file) as ours, contextlib.closing(folder.read(place)) as chunks:
            try:
                for chunk in chunks:
                    self._check_stop()
                    if ours.read(len(chunk)) != chunk:
                        return False
            except FileNotFoundError:  # A robot took it in this moment.
                return False
            return not ours.read(1)

    def _place(self, folder: RemoteFolder, part: _Part) -> dict[str, Any]:
        """Give the file its name, and return what the receipt says about it."""
        if part.was_asked and folder.size(part.temporary) is None:
            return self._confirmed(folder, part)  # The rename was carried out; only its answer was lost.
        for _ in range(_MOST_RACES):
            self._check_stop()
            is_taken = not self._replaces and folder.size(part.place) is not None
            if is_taken and self._choose(folder, part):
                folder.remove(part.temporary)
                assert part.fact is not None
                return part.fact
            if self._rename(folder, part):
                return self._confirmed(folder, part)
        raise RetryLater(f"Other writers took '{folder.shown(part.path)}' again and again.")

    def _rename(self, folder: RemoteFolder, part: _Part) -> bool:
        """Ask for the name, and tell whether the file has it; otherwise another writer was faster."""
        was_asked, was_visible = part.was_asked, self.may_be_visible
        part.was_asked = self.may_be_visible = True
        refusal: MailroomError | None = None
        try:
            folder.rename(part.temporary, part.place, replace=self._replaces)
            return True
        except FileNotFoundError:
            if was_asked:  # The first rename was carried out since we looked.
                return True
            refusal = RetryLater(
                f"The temporary file of '{folder.shown(part.path)}' was removed while it was being written.",
                remedy="Something on the server removes new files whose names begin with a dot.",
            )
        except FileExistsError:
            pass
        except MailroomError as error:
            refusal = error
        # The server said no, so nothing has got its name.
        part.was_asked, self.may_be_visible = False, was_visible
        if refusal is None:
            return False
        if folder.size(part.place) == NOT_A_FILE:
            raise faults.not_a_file(folder.where, folder.shown(part.place)) from refusal
        raise refusal

    def _confirmed(self, folder: RemoteFolder, part: _Part) -> dict[str, Any]:
        """Return what the receipt says about a file that got its name; whoever waits for it may have taken it since."""
        part.was_asked, self.may_be_visible = False, True
        part.fact = self._fact(folder, part, was_there=False)
        # It has its name; that nobody can look any more changes nothing.
        with contextlib.suppress(Lost, MailroomError):
            part.fact["picked_up"] = folder.size(part.place) is None
        return part.fact

    def _fact(self, folder: RemoteFolder, part: _Part, *, was_there: bool) -> dict[str, Any]:
        return {
            "path": folder.shown(part.place),
            "bytes": part.file.size,
            "sha256": part.file.sha256,
            "was_there": was_there,
            "picked_up": False,
        }

    def _tidy(self, folder: RemoteFolder) -> None:
        """Remove the temporary files of an attempt that has failed."""
        for part in self._parts:
            if part.fact is None:
                # The next attempt removes it; the reason of this failure is worth more than that of tidying up.
                with contextlib.suppress(Lost, MailroomError):
                    folder.remove(part.temporary)


@contextlib.contextmanager
def _opened(file: ParcelFile) -> Iterator[BinaryIO]:
    """Open our own file. What is wrong with it must not look like a server's answer."""
    try:
        with file.path.open("rb") as source:
            yield source
    except OSError as error:
        raise RetryLater(f"'{file.filename}' cannot be read here: {error.strerror}.") from error
