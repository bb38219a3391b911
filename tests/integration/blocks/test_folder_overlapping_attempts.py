"""Two attempts of one delivery at once, as when the first one hangs beyond its time-out."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.folder import FolderChannel, FolderDestination
from tests.support.waiting import eventually

MEGABYTE = 1024 * 1024
CONTENT = os.urandom(2 * MEGABYTE)
HALF = MEGABYTE + 1
"""More than the channel reads at once, so that what it has read stands in its file."""


class Source:
    """A file that is read as fast as a test feeds it: a named pipe."""

    def __init__(self, path: Path) -> None:
        self.path, self._pipe = path, -1
        os.mkfifo(path)

    async def feed(self, content: bytes) -> None:
        """Write as soon as the other side reads; returns when all of it is on its way."""
        if self._pipe < 0:
            self._pipe = await asyncio.to_thread(os.open, self.path, os.O_WRONLY)
        while content:
            content = content[await asyncio.to_thread(os.write, self._pipe, content) :]

    def end(self) -> None:
        """Say that nothing follows."""
        os.close(self._pipe)


def _parcel(attempt: int, source: Source) -> Parcel:
    file = ParcelFile(source.path, "f.csv", "text/csv", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    destination = FolderDestination(connection="out", path="f.csv")
    return Parcel("key-1", attempt, destination.recipients()[0], destination, (file,))


async def test_half_a_file_is_never_seen_under_its_final_name(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    channel = FolderChannel(root=str(root))
    slow, fast = Source(tmp_path / "first"), Source(tmp_path / "second")

    async def written(size: int) -> bool | None:
        return any(path.stat().st_size >= size for path in root.glob(".mailroom-*")) or None

    first = asyncio.create_task(channel.deliver(_parcel(1, slow)))
    await slow.feed(CONTENT)  # All of it, but the end is not seen yet.
    await eventually(lambda: written(len(CONTENT)), 60, lambda: f"There is {list(root.iterdir())}.")
    second = asyncio.create_task(channel.deliver(_parcel(2, fast)))
    await fast.feed(CONTENT[:HALF])
    await eventually(lambda: written(MEGABYTE), 60, lambda: f"There is {list(root.iterdir())}.")
    slow.end()
    await asyncio.wait({first}, timeout=60)
    seen = (root / "f.csv").read_bytes() if (root / "f.csv").exists() else CONTENT
    await fast.feed(CONTENT[HALF:])
    fast.end()
    await asyncio.gather(first, second, return_exceptions=True)
    assert len(seen) == len(CONTENT)
    assert (root / "f.csv").read_bytes() == CONTENT
