"""Write the files of one attempt: the name of each object, what is there already, and what the store holds at the end.

Every object is written once, by the store's own decision: whoever is faster has the name, and nobody's object is lost
by a race. Where something has the name, our key, size and checksum tell whether it is of this delivery; then it counts
as delivered, so a second attempt with the same key makes no second copy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.files.names import targets, variants
from prefect_mailroom.channels.objects import faults
from prefect_mailroom.channels.objects.destination import ObjectDestination
from prefect_mailroom.channels.objects.source import Source
from prefect_mailroom.channels.objects.store import (
    DUE,
    KEY,
    SHA256,
    AlreadyThere,
    Facts,
    Found,
    Lost,
    ObjectStore,
    Sent,
)
from prefect_mailroom.errors import MailroomError, RetryLater

_MOST_RACES = 20
"""Limit how often another writer may be faster before the attempt is given up."""


class Upload:
    """Make one attempt to deliver a parcel."""

    def __init__(
        self, parcel: Parcel, destination: ObjectDestination, storage_class: str, check_stop: Callable[[], None]
    ) -> None:
        """Plan the attempt.

        Args:
            check_stop: called before each step; what it raises ends the attempt.

        Raises:
            ConfigurationError: the path is unsafe with its values, or the same for two files.
        """
        self._may_be_there = False
        self._source: Source | None = None
        self._parcel = parcel
        self._destination = destination
        self._storage_class = storage_class
        self._check_stop = check_stop
        self._targets = targets(destination.path, parcel)
        self._total = sum(file.size for file in parcel.files)
        self._before = self._most = 0

    @property
    def may_be_there(self) -> bool:
        """Tell whether an object of this attempt may be there without anybody having seen it, at this very moment."""
        source = self._source
        return self._may_be_there or (source is not None and source.was_given_out)

    def run(self, store: ObjectStore) -> list[dict[str, Any]]:
        """Write each file, and return for each its address, size, checksum, and how it got there.

        Every place is chosen before the first byte leaves, so a parcel of which one file is refused leaves nothing.

        Raises:
            Lost: the connection ended.
            ConfigurationError, RetryLater, Refused: the store, or what is there, does not let the files in.
        """
        chosen = [(file, path, *self._choose(store, file, path)) for file, path in self._targets]
        return [self._write(store, *one) for one in chosen]

    def _choose(self, store: ObjectStore, file: ParcelFile, path: PurePosixPath) -> tuple[str, Found | None]:
        """Return the name that a file shall have, and what is there."""
        keeps_both = self._destination.if_exists == "timestamp"
        for place in variants(path, self._parcel) if keeps_both else [path]:
            self._check_stop()
            found = store.look(str(place))
            if found is None or self._is_ours(found, file):
                return str(place), found
            if self._destination.if_exists == "overwrite":
                return str(place), found
            if not keeps_both:
                raise faults.exists(store.shown(str(place)))
        raise faults.all_names_taken(store.shown(str(path)))

    def _is_ours(self, found: Found, file: ParcelFile) -> bool:
        told = found.metadata
        return told.get(KEY) == self._parcel.key and told.get(SHA256) == file.sha256 and found.size == file.size

    def _write(
        self, store: ObjectStore, file: ParcelFile, path: PurePosixPath, name: str, found: Found | None
    ) -> dict[str, Any]:
        for _ in range(_MOST_RACES):
            if found is not None and self._is_ours(found, file):
                self._tell(file, file.size)
                self._before += file.size
                return self._fact(store, file, name, found, was_there=True)
            try:
                sent = self._put(store, file, name, once=found is None)
            except AlreadyThere:
                # Another writer was faster, or the answer to our own upload was lost.
                name, found = self._choose(store, file, path)
                continue
            self._before += file.size
            return self._confirmed(store, file, name, sent)
        raise RetryLater(f"Other writers took '{store.shown(str(path))}' again and again.")

    def _put(self, store: ObjectStore, file: ParcelFile, name: str, *, once: bool) -> Sent:
        self._check_stop()
        with Source(file, check_stop=self._check_stop, tell=lambda sent: self._tell(file, sent)) as source:
            self._source = source
            try:
                sent = store.put(name, source, self._facts(file), once=once)
            except Lost:
                self._may_be_there = source.was_given_out
                # Where the store can be asked, it says what became of the upload.
                with contextlib.suppress(Lost, MailroomError):
                    there = store.look(name)
                    self._may_be_there = False
                    if there is not None and self._is_ours(there, file):
                        return Sent(there.etag, there.version)
                raise
            except (AlreadyThere, MailroomError):
                raise  # The store said no, or our own side did before the last bytes: nothing of it is there.
            except BaseException:
                self._may_be_there = source.was_given_out
                raise
            finally:
                self._source = None
        self._may_be_there = True
        return sent

    def _confirmed(self, store: ObjectStore, file: ParcelFile, name: str, sent: Sent) -> dict[str, Any]:
        """Read size and checksums back, and return what the receipt says."""
        try:
            found = store.look(name)
        except MailroomError as error:
            raise Lost("it could not be read back") from error
        self._may_be_there = False
        if found is None:
            # It was confirmed, so somebody has taken it since.
            gone = Found(file.size, sent.etag, sent.version)
            return self._fact(store, file, name, gone, was_there=False) | {"picked_up": True}
        if wrong := _difference(file, sent, found):
            if found.metadata.get(KEY) == self._parcel.key:
                store.remove(name, found.version)
                raise faults.differs(store.shown(name), wrong, removed=True)
            if KEY not in found.metadata:  # Nobody knows whose it is where a store keeps no facts.
                raise faults.differs(store.shown(name), wrong, removed=False)
        return self._fact(store, file, name, found, was_there=False)

    def _facts(self, file: ParcelFile) -> Facts:
        due = self._parcel.variables.get("due")
        ours = {KEY: self._parcel.key, SHA256: file.sha256}
        if isinstance(due, datetime):
            ours[DUE] = due.isoformat()
        return Facts(
            media_type=file.media_type,
            content_disposition=content_disposition(self._destination.disposition, file.filename),
            metadata={**self._destination.metadata, **ours},
            tags=self._destination.tags,
            storage_class=self._storage_class,
        )

    def _fact(
        self, store: ObjectStore, file: ParcelFile, name: str, found: Found, *, was_there: bool
    ) -> dict[str, Any]:
        return {
            "path": store.shown(name),
            "bytes": found.size,
            "sha256": file.sha256,
            "etag": found.etag,
            "version": found.version,
            "checksums": dict(found.checksums),
            "was_there": was_there,
            "picked_up": False,
        }

    def _tell(self, file: ParcelFile, sent: int) -> None:
        if self._parcel.on_progress is not None:
            # A file that is sent once more, or was read for its checksum, does not take progress back.
            self._most = max(self._most, self._before + min(sent, file.size))
            self._parcel.on_progress(self._most, self._total)


def content_disposition(kind: str, filename: str) -> str:
    """Return the header by which a browser saves or shows an object under its own name (RFC 6266)."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in filename)
    name = f'{kind}; filename="{plain}"'
    return name if plain == filename else f"{name}; filename*=UTF-8''{quote(filename, safe='')}"


def _difference(file: ParcelFile, sent: Sent, found: Found) -> str:
    """Return in which fact the object that is there differs from the file that was sent; empty where in none."""
    if found.size != file.size:
        return "size"
    wrong = (name for name, value in sent.checksums.items() if found.checksums.get(name, value) != value)
    return next(wrong, "")
