"""The other end of a channel, as the suite sees it, and a parcel for it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime
from pathlib import Path

from prefect_mailroom.channels.base import Channel, Destination, Parcel, ParcelFile


class FarSide(ABC):
    """The facts about a channel's other end that the suite needs. `channel` is connected to one that works.

    Attributes:
        secrets: every secret that the connection holds; none may show up anywhere.
        deduplicates: whether the same key twice leaves one delivery at the far side.
        carries_files: whether the files themselves arrive.
    """

    channel: Channel
    secrets: tuple[str, ...] = ()
    deduplicates: bool = False
    carries_files: bool = True

    @abstractmethod
    def destination(self) -> Destination:
        """Return a valid destination there."""

    @abstractmethod
    async def received(self) -> list[Mapping[str, bytes]]:
        """Return file name -> content for each delivery that arrived, oldest first."""

    @abstractmethod
    async def shown(self) -> str:
        """Return all that readers see of the deliveries that arrived: subjects, bodies, names; no file's content."""

    @abstractmethod
    def unreachable(self) -> Channel:
        """Return the same kind of channel, to where nothing is."""

    @abstractmethod
    def refusing(self) -> AbstractAsyncContextManager[Channel]:
        """Open a channel whose far side says no for good."""

    @abstractmethod
    def silent(self) -> AbstractAsyncContextManager[Channel] | None:
        """Open a channel whose far side takes the parcel and never answers; None where that cannot be."""


def parcel_for(
    far_side: FarSide,
    folder: Path,
    files: Mapping[str, bytes],
    *,
    key: str = "key-1",
    destination: Destination | None = None,
) -> Parcel:
    """Return a parcel for the first recipient of a destination, its files written to `folder`.

    Args:
        destination: the far side's own where None.
    """
    destination = destination or far_side.destination()
    parcel_files = []
    for index, (name, content) in enumerate(files.items()):
        path = folder / f"artifact-{index}"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        parcel_files.append(ParcelFile(path, name, "application/octet-stream", len(content), digest))
    return Parcel(
        key=key,
        attempt=1,
        recipient=destination.recipients()[0],
        destination=destination,
        files=tuple(parcel_files),
        subject="Conformance",
        text="A test.",
        html="<p>A test.</p>",
        variables={
            "report_name": "Conformance",
            "report_slug": "conformance",
            "schedule_name": "suite",
            "date": date(2026, 2, 9),
            "due": datetime(2026, 2, 9, 9, 0, tzinfo=UTC),
            "execution_id": "e-1",
        },
        facts={"report": "conformance"},
    )
