"""Run the blocking work of one session in a thread that can be ended."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Stopped(Exception):
    """The work was told to end."""


class Stop:
    """The order to end, given by the event loop and asked for by the thread between its steps."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Order the work to end before its next step."""
        self._asked.set()

    def check(self) -> None:
        """Return, unless the work shall end.

        Raises:
            Stopped: it shall.
        """
        if self._asked.is_set():
            raise Stopped


async def in_thread(
    work: Callable[[], Result], *, stop: Stop, abort: Callable[[], object], seconds: float, grace: float
) -> Result:
    """Return what the work returns, or end it when its time is over or the caller is cancelled.

    Each call has a thread of its own: a server that never answers holds up nobody else's work.

    Args:
        seconds: how long the work may take.
        grace: how long it may take to end by itself, and once more after `abort`.
        abort: makes the work fail at once, wherever it is.

    Raises:
        TimeoutError: its time was over. The work has ended, unless even `abort` could not end it.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Result] = loop.create_future()
    outcome.add_done_callback(_take)

    def tell(result: Result | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]  # It is the result where there is no error.

    def run() -> None:
        result, problem = None, None
        try:
            result = work()
        except BaseException as error:
            problem = error
        with contextlib.suppress(RuntimeError):  # The loop was closed meanwhile: nobody waits any more.
            loop.call_soon_threadsafe(tell, result, problem)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="mailroom-remote", daemon=True).start()
    try:
        await asyncio.wait({outcome}, timeout=seconds)
    except asyncio.CancelledError:
        await _end(outcome, stop, abort, grace)
        raise
    if not outcome.done() and not await _end(outcome, stop, abort, grace):
        raise TimeoutError
    try:
        return outcome.result()
    except Stopped as error:
        raise TimeoutError from error


async def _end(outcome: asyncio.Future[Result], stop: Stop, abort: Callable[[], object], grace: float) -> bool:
    """End the work, and tell whether it did so by itself."""
    stop.ask()
    await asyncio.wait({outcome}, timeout=grace)
    by_itself = outcome.done()
    if not by_itself:
        abort()
        await asyncio.wait({outcome}, timeout=grace)
    return by_itself


def _take(outcome: asyncio.Future[Result]) -> None:
    """Ask for the error, so that nobody reports it as forgotten where the caller has gone."""
    if not outcome.cancelled():
        outcome.exception()
