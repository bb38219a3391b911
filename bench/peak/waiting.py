"""Waiting for something, and free ports."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")


def say(text: str) -> None:
    """A line of progress."""
    print(f"  {datetime.now(UTC):%H:%M:%S}  {text}", flush=True)


def free_ports(count: int) -> list[int]:
    """TCP ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]


def wait_for(what: str, look: Callable[[], T], seconds: float, every: float = 0.5) -> T:
    """What `look` finds, as soon as it finds something; ends the bench when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(every)
    raise SystemExit(f"{what} did not come within {seconds:g} s.")


def sleep_until(moment: datetime) -> None:
    """Sleep, unless the moment has passed."""
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
