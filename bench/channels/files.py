"""Make the files that the benches send, and measure the memory that sending them takes."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from prefect_mailroom.channels.base import ParcelFile


def a_file(folder: Path, size: int) -> ParcelFile:
    """Return a file of random bytes, the same for the same size."""
    path, digest = folder / f"artifact-{size}", hashlib.sha256()
    source = random.Random(size)
    with path.open("wb") as target:
        for start in range(0, size, 1_000_000):
            piece = source.randbytes(min(1_000_000, size - start))
            digest.update(piece)
            target.write(piece)
    return ParcelFile(path, "report.bin", "application/octet-stream", size, digest.hexdigest())


@contextmanager
def most_memory() -> Iterator[Callable[[], float]]:
    """Give a function for the most MB that this process had over those at the beginning."""
    process, ended = psutil.Process(), threading.Event()
    base = most = process.memory_info().rss

    def look() -> None:
        nonlocal most
        while not ended.wait(0.005):
            most = max(most, process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lambda: (most - base) / 1e6
    finally:
        ended.set()
        thread.join()
