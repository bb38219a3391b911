"""100 MB to moto's S3, in turn by the channel and by boto3 alone, as its manual shows it."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.channels.files import a_file, most_memory
from bench.channels.loopback import loopback_opened
from bench.peak.waiting import free_ports, wait_for
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination

BYTES = 100_000_000
LARGER = 400_000_000
"""Another size, for the memory: it may take as much as the parts that are on their way."""
ROUNDS = 5
BUCKET = "bench"


def s3_100mb() -> dict[str, Any]:
    """Return MB/s through the channel, its ratio to boto3 alone, and the memory that two sizes take."""
    with loopback_opened(), tempfile.TemporaryDirectory() as folder, _moto() as port:
        return asyncio.run(_measure(port, Path(folder)))


@contextmanager
def _moto() -> Iterator[int]:
    """Run moto while the block does, and give its port."""
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("moto", lambda: _made(port), 30, 0.1)
            yield port
        finally:
            process.terminate()


def _made(port: int) -> bool:
    try:
        _boto3(port).create_bucket(Bucket=BUCKET)
    except Exception:
        return False  # It does not listen yet.
    return True


def _boto3(port: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        region_name="us-east-1",
        # As one sets it for stores other than AWS. With its default, moto computes a cheaper checksum of the whole
        # object than the CRC64 that it takes where none is asked for, which alone makes half a second of 100 MB.
        config=Config(
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"total_max_attempts": 1},
        ),
    )


async def _measure(port: int, folder: Path) -> dict[str, Any]:
    channel = S3Channel(
        bucket=BUCKET,
        endpoint=f"http://127.0.0.1:{port}",
        allow_plain=True,
        identity="keys",
        access_key_id="bench",
        secret_access_key="bench",
    )
    client = _boto3(port)
    small, file, larger = (a_file(folder, size) for size in (1000, BYTES, LARGER))
    await _deliver(channel, client, small, "warm-up")
    ours, alone = [], []
    for number in range(ROUNDS):
        ours.append(await _deliver(channel, client, file, f"{number}"))
        alone.append(await asyncio.to_thread(_boto3_alone, client, file))
    memory = {}
    for part in (file, larger):
        with most_memory() as most:
            await _deliver(channel, client, part, f"memory-{part.size}")
        memory[part.size] = most()
    seconds, seconds_alone = statistics.median(ours), statistics.median(alone)
    return {
        "mb_s": round(BYTES / 1e6 / seconds, 1),
        "ratio_boto3": round(seconds_alone / seconds, 2),
        "boto3_mb_s": round(BYTES / 1e6 / seconds_alone, 1),
        "memory_mb": round(memory[BYTES], 1),
        "memory_400mb_mb": round(memory[LARGER], 1),
        "rounds": ROUNDS,
    }


async def _deliver(channel: S3Channel, client: Any, file: ParcelFile, name: str) -> float:
    """Return the seconds until the receipt is there: checksum, the store's condition and read back included."""
    destination = S3Destination(connection="bench", path=f"{name}.bin")
    parcel = Parcel(key=name, attempt=1, recipient=name, destination=destination, files=(file,))
    began = time.perf_counter()
    await channel.deliver(parcel)
    seconds = time.perf_counter() - began
    client.delete_object(Bucket=BUCKET, Key=f"{name}.bin")
    return seconds


def _boto3_alone(client: Any, file: ParcelFile) -> float:
    """Return the seconds of `upload_file` by a client that is there."""
    began = time.perf_counter()
    client.upload_file(str(file.path), BUCKET, "alone.bin")
    seconds = time.perf_counter() - began
    client.delete_object(Bucket=BUCKET, Key="alone.bin")
    return seconds
