"""Handles Ctrl-C and SIGTERM: the first one ends everything in order, the second one at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

Main = Callable[[asyncio.Event], Awaitable[int]]


async def _run(main: Main) -> int:
    loop, hurry = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.ensure_future(main(hurry))
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            hurry.set()
        asked = True
        # Cancelled once: the ending itself must not be broken off by the second signal.
        if not hurry.is_set():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not asked:
            raise
        return 0


def run_until_stopped(main: Main) -> int:
    """Run `main(hurry)` until it ends or a person ends it, which is a good end: status 0."""
    return asyncio.run(_run(main))
