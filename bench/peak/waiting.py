"""Waiting for something, and free ports."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")


class EndedEarly(SystemExit):
    """Something took too long. A part that it ends reports what it has; outside of a part, it ends the bench."""


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
    """Return what `look` finds, as soon as it finds something.

    Raises:
        EndedEarly: it found nothing within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(every)
    raise EndedEarly(f"{what} did not come within {seconds:.0f} s")


def seconds_until(moment: datetime) -> float:
    """Return the seconds until then; 0 if it has passed."""
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
