"""100 MB to Azurite, in turn by the channel and by Azure's own client alone, with as many connections."""

from __future__ import annotations

import asyncio
import hashlib
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.channels.loopback import loopback_opened
from prefect_mailroom.channels.azure import blocks
from prefect_mailroom.channels.azure.channel import AzureChannel
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.base import Parcel, ParcelFile
from tests.support.azure.azurite import CONTAINER, Azurite, azurite

BYTES = 100_000_000
LARGER = 400_000_000
"""Another size, for the memory: it must be nearly the same."""
ROUNDS = 5


def azure_100mb() -> dict[str, Any]:
    """Return MB/s through the channel, its ratio to the client alone, and the memory that a large file takes."""
    with loopback_opened(), tempfile.TemporaryDirectory() as folder, azurite(Path(folder)) as server:
        return asyncio.run(_measure(server, Path(folder)))


async def _measure(server: Azurite, folder: Path) -> dict[str, Any]:
    channel = AzureChannel(**server.settings)
    small, file, larger = (_file(folder, size) for size in (1000, BYTES, LARGER))
    await _deliver(server, channel, small, "warm-up")
    await asyncio.to_thread(_client_alone, server, small)
    ours, alone = [], []
    for number in range(ROUNDS):
        ours.append(await _deliver(server, channel, file, f"{number}"))
        alone.append(await asyncio.to_thread(_client_alone, server, file))
    memory = {}
    for part in (file, larger):
        with _most_memory() as most:
            await _deliver(server, channel, part, f"memory-{part.size}")
        memory[part.size] = most()
    seconds, seconds_alone = statistics.median(ours), statistics.median(alone)
    return {
        "mb_s": round(BYTES / 1e6 / seconds, 1),
        "ratio_sdk": round(seconds_alone / seconds, 2),
        "sdk_mb_s": round(BYTES / 1e6 / seconds_alone, 1),
        "memory_mb": round(max(memory.values()), 1),
        "rounds": ROUNDS,
    }


def _file(folder: Path, size: int) -> ParcelFile:
    path, digest = folder / f"artifact-{size}", hashlib.sha256()
    source = random.Random(size)
    with path.open("wb") as target:
        for start in range(0, size, 1_000_000):
            piece = source.randbytes(min(1_000_000, size - start))
            digest.update(piece)
            target.write(piece)
    return ParcelFile(path, "report.bin", "application/octet-stream", size, digest.hexdigest())


async def _deliver(server: Azurite, channel: AzureChannel, file: ParcelFile, name: str) -> float:
    """Return the seconds until the receipt is there, with the looks before and after, and the checksums."""
    destination = AzureDestination(connection="bench", path=f"{name}.bin")
    parcel = Parcel(key=name, attempt=1, recipient=name, destination=destination, files=(file,))
    began = time.perf_counter()
    await channel.deliver(parcel)
    seconds = time.perf_counter() - began
    server.empty()
    return seconds


def _client_alone(server: Azurite, file: ParcelFile) -> float:
    """Return the seconds of `upload_blob` of a client that is open, which writes once and computes no checksum."""
    with server.client() as client, file.path.open("rb") as content:
        blob = client.get_blob_client(CONTAINER, "alone.bin")
        blob.exists()
        began = time.perf_counter()
        blob.upload_blob(content, length=file.size, overwrite=False, max_concurrency=blocks.AT_ONCE)
        seconds = time.perf_counter() - began
    server.empty()
    return seconds


@contextmanager
def _most_memory() -> Iterator[Any]:
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
