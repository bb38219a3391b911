"""Take a process out of service before it ends: `/readyz` answers 503 first, and requests are still answered.

A load balancer needs some seconds to see that a process is not ready. Without that time it would send requests to a
process that takes no more. `MAILROOM_DRAIN_SECONDS` is that time; work in the background stops with the process.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_LOG = logging.getLogger(__name__)
_Handler = Callable[[int, FrameType | None], Any]


def install(ending: asyncio.Event, seconds: float) -> None:
    """Put so many seconds between SIGTERM and what the server does about it. A second SIGTERM cuts them short."""
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        return
    then = signal.getsignal(signal.SIGTERM)
    if callable(then):  # Otherwise nobody serves who would stop in good order.
        signal.signal(signal.SIGTERM, _handler(ending, asyncio.get_running_loop(), seconds, then))


def _handler(ending: asyncio.Event, loop: asyncio.AbstractEventLoop, seconds: float, then: _Handler) -> _Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        if ending.is_set():
            then(number, frame)
            return
        ending.set()
        _LOG.info("This process ends in %g s; it is not ready any more.", seconds)
        loop.call_soon_threadsafe(loop.call_later, seconds, then, number, frame)

    return handle
