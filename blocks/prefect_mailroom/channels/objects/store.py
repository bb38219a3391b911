"""The port of an object store: one bucket, seen from the connection's prefix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prefect_mailroom.channels.objects.source import Source

KEY, SHA256, DUE = "mailroom_key", "mailroom_sha256", "mailroom_due"
"""The names of our own metadata: the delivery's key, the SHA-256 of the content, the time that was due."""


class AlreadyThere(Exception):
    """The store refused a write-once upload: an object has this name."""


class Lost(Exception):
    """The connection ended in the middle of a request: nobody knows whether the store carried it out."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what is told to the store about an object.

    Attributes:
        metadata: ours (`KEY`, `SHA256`, `DUE`) and the destination's, as plain ASCII.
        content_disposition: the whole header.
        storage_class: as the vendor calls it; empty for the bucket's own.
    """

    media_type: str
    content_disposition: str
    metadata: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """Hold what the store answered to an upload.

    Attributes:
        version: what names exactly this content of the object: a version id or generation; empty where there is none.
        checksums: what we computed while sending, by the vendor's algorithm, in the form in which `look` tells it.
    """

    etag: str
    version: str = ""
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Describe what the store holds under a name.

    Attributes:
        metadata: with names in small letters.
        checksums: by algorithm, those that the store computed itself or verified on arrival.
    """

    size: int
    etag: str
    version: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """One bucket. One thread at a time uses it, and every method may block.

    Names are those of the schedule, relative and safe; the store puts the connection's prefix before them. Besides what
    is listed, each method raises `Lost`, or an error of ours for what the store answers (see `faults.py`): then it has
    not carried out the request.

    Attributes:
        where: the bucket as people know it, such as `s3://reports`.
    """

    where: str

    def shown(self, name: str) -> str:
        """Return the whole address of an object as people know it, as one harmless line."""

    def look(self, name: str) -> Found | None:
        """Return what is there, or None."""

    def put(self, name: str, source: Source, facts: Facts, *, once: bool) -> Sent:
        """Write the object; it appears complete or not at all. Nothing of an upload that failed stays behind.

        Args:
            once: write only where nothing has this name, decided by the store itself.

        Raises:
            AlreadyThere: `once`, and something has this name.
        """

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the content from its beginning; the caller may stop in the middle.

        Raises:
            FileNotFoundError: nothing is there.
        """

    def remove(self, name: str, version: str = "") -> None:
        """Remove the object, or this version of it alone; it is fine where nothing is."""

    def abort(self) -> None:
        """Cut every connection at once, from any thread: whoever uses the store gets `Lost`."""
