"""A file of 100 MB to vsftpd by FTPS, with reuse of the TLS session required, as vsftpd has it by default."""

from __future__ import annotations

import asyncio
import hashlib
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.channels.loopback import loopback_opened
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.ftp.channel import FtpChannel
from prefect_mailroom.channels.ftp.destination import FtpDestination
from tests.support.ftp.daemons import PASSWORD, FtpServer, vsftpd

FILE_BYTES = 100_000_000
ROUNDS = 5


def ftps_100mb() -> dict[str, Any]:
    """Return megabytes a second from the first command of a delivery to its receipt."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder))


def measure(folder: Path) -> dict[str, Any]:
    """Return the same, with everything written below this folder."""
    with loopback_opened(), vsftpd(folder) as server:
        return asyncio.run(_send(server, folder))


async def _send(server: FtpServer, folder: Path) -> dict[str, Any]:
    content = random.Random(13).randbytes(FILE_BYTES)
    path = folder / "report.bin"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    del content
    file = ParcelFile(path, "report.bin", "application/octet-stream", FILE_BYTES, digest)
    channel = FtpChannel(
        host="127.0.0.1",
        port=server.port,
        username=server.username,
        password=PASSWORD,
        ca_certificates=server.ca,
        timeout_seconds=300,
    )

    async def one(number: int, *files: ParcelFile) -> float:
        destination = FtpDestination(connection="bench", path=f"{number}-{{file_name}}")
        parcel = Parcel(f"bench-{number}", 1, destination.path, destination, files)
        began = time.perf_counter()
        await channel.deliver(parcel)
        seconds = time.perf_counter() - began
        for delivered in server.root.iterdir():
            assert delivered.stat().st_size == files[0].size
            delivered.unlink()
        return seconds

    small = folder / "small.bin"
    small.write_bytes(b"1")
    # What is imported and opened once is not measured.
    await one(0, ParcelFile(small, "small.bin", "application/octet-stream", 1, hashlib.sha256(b"1").hexdigest()))
    resident = psutil.Process().memory_info().rss
    seconds = [await one(number, file) for number in range(1, ROUNDS + 1)]
    return {
        "mb_s": round(FILE_BYTES / 1e6 / statistics.median(seconds), 1),
        "seconds": [round(one, 2) for one in seconds],
        "memory_extra_mb": round((psutil.Process().memory_info().rss - resident) / 1e6, 1),
    }
