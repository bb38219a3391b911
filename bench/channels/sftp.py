"""100 MB to OpenSSH's sshd by SFTP, in turn by the channel and by paramiko alone, as its manual shows it."""

from __future__ import annotations

import asyncio
import base64
import getpass
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko

from bench.channels.files import a_file, most_memory
from bench.channels.loopback import loopback_opened
from bench.peak.waiting import free_ports, wait_for
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.channels.sftp.channel import SftpChannel
from prefect_mailroom.channels.sftp.destination import SftpDestination

BYTES = 100_000_000
LARGER = 400_000_000
"""Another size, for the memory: it must be the same."""
ROUNDS = 5


def sftp_100mb() -> dict[str, Any]:
    """Return MB/s through the channel, its ratio to paramiko alone, and the memory that two sizes take."""
    with loopback_opened(), tempfile.TemporaryDirectory() as folder, _sshd(Path(folder)) as port:
        return asyncio.run(_measure(port, Path(folder)))


@contextmanager
def _sshd(folder: Path) -> Iterator[int]:
    """Run sshd for this account while the block does, and give its port."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise SystemExit("This part sends to the real sshd: apt-get install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_ports(1)[0]
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with subprocess.Popen([program, "-D", "-e", "-f", folder / "config"], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("sshd", lambda: _answers(port), 10, 0.05)
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


async def _measure(port: int, folder: Path) -> dict[str, Any]:
    (folder / "files").mkdir()
    channel = SftpChannel(
        host="127.0.0.1",
        port=port,
        username=getpass.getuser(),
        private_key=(folder / "user").read_text(),
        host_key=(folder / "host.pub").read_text(),
        folder=str(folder / "files"),
    )
    small, file, larger = (a_file(folder, size) for size in (1000, BYTES, LARGER))
    await _deliver(channel, small, "warm-up")
    ours, alone = [], []
    for number in range(ROUNDS):
        ours.append(await _deliver(channel, file, f"{number}"))
        alone.append(await asyncio.to_thread(_paramiko_alone, port, folder, file))
    memory = {}
    for part in (file, larger):
        with most_memory() as most:
            await _deliver(channel, part, f"memory-{part.size}")
        memory[part.size] = most()
    KEPT.close_all()
    seconds, seconds_alone = statistics.median(ours), statistics.median(alone)
    return {
        "mb_s": round(BYTES / 1e6 / seconds, 1),
        "ratio_paramiko": round(seconds_alone / seconds, 2),
        "paramiko_mb_s": round(BYTES / 1e6 / seconds_alone, 1),
        "memory_mb": round(memory[BYTES], 1),
        "memory_400mb_mb": round(memory[LARGER], 1),
        "rounds": ROUNDS,
    }


async def _deliver(channel: SftpChannel, file: ParcelFile, name: str) -> float:
    """Return the seconds until the receipt is there: checksum, size and rename included."""
    destination = SftpDestination(connection="bench", path=f"{name}.bin")
    parcel = Parcel(key=name, attempt=1, recipient=name, destination=destination, files=(file,))
    began = time.perf_counter()
    receipt = await channel.deliver(parcel)
    seconds = time.perf_counter() - began
    Path(receipt.reference).unlink()
    return seconds


def _paramiko_alone(port: int, folder: Path, file: ParcelFile) -> float:
    """Return the seconds of `SFTPClient.put` on a connection that is open."""
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        kind, key, *_ = (folder / "host.pub").read_text().split()
        client.get_host_keys().add(
            f"[127.0.0.1]:{port}", kind, paramiko.PKey.from_type_string(kind, base64.b64decode(key))
        )
        client.connect("127.0.0.1", port, username=getpass.getuser(), key_filename=str(folder / "user"))
        target = folder / "files" / "alone.bin"
        with client.open_sftp() as sftp:
            began = time.perf_counter()
            sftp.put(str(file.path), str(target))
            seconds = time.perf_counter() - began
    target.unlink()
    return seconds
