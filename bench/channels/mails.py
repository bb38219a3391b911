"""1,000 mails of 50 KB each to postfix's smtp-sink, as a run with many recipients sends them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from prefect_email import EmailServerCredentials

from bench.channels.loopback import loopback_opened
from bench.peak.waiting import free_ports, wait_for
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination

MAILS = 1000
FILE_BYTES = 50_000
AT_ONCE = 4
"""Send so many at once, as a connection does that says nothing else."""


@contextmanager
def sink() -> Iterator[int]:
    """Run smtp-sink while the block does, and give its port."""
    program = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise SystemExit("This part sends to the real smtp-sink: apt-get install postfix")
    port = free_ports(1)[0]
    # It refuses to run as root without somebody else to be.
    account = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([program, *account, f"127.0.0.1:{port}", "100"]) as process:
        try:
            wait_for("smtp-sink", lambda: _listens(process.pid), 10, 0.05)
            yield port
        finally:
            process.terminate()


def _listens(pid: int) -> bool:
    return any(link.status == psutil.CONN_LISTEN for link in psutil.Process(pid).net_connections())


def mails_1000() -> dict[str, Any]:
    """Return mails a second, and the CPU seconds of this process for all of them."""
    with loopback_opened(), sink() as port, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_send(port, Path(folder)))


async def _send(port: int, folder: Path) -> dict[str, Any]:
    content = random.Random(13).randbytes(FILE_BYTES)
    path = folder / "report.pdf"
    path.write_bytes(content)
    file = ParcelFile(path, "report.pdf", "application/pdf", len(content), hashlib.sha256(content).hexdigest())
    credentials = EmailServerCredentials(smtp_server="127.0.0.1", smtp_port=port, smtp_type="INSECURE")
    channel = EmailChannel(credentials=credentials, from_address="reports@example.com", allow_plain=True)
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        destination = EmailDestination(connection="sink", to=[f"reader-{number}@example.com"])
        parcel = Parcel(
            key=f"bench-{number}",
            attempt=1,
            recipient=destination.to[0],
            destination=destination,
            files=(file,),
            subject="Sales",
            text="The report is attached.",
            html="<p>The report is attached.</p>",
        )
        async with free:
            await channel.deliver(parcel)

    await one(0)  # What is imported and opened once is not measured.
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(1, MAILS + 1)))
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    return {
        "per_s": round(MAILS / seconds, 1),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(spent, 2),
        "file_bytes": FILE_BYTES,
        "at_once": AT_ONCE,
    }
