"""Run what a file system does in threads of their own, so that a share that hangs holds up nothing else.

A call into a dead network share can wait for hours, and nothing can end it from outside. It must not be one of the few
threads that this process shares for everything, and the process must not wait for it at its end. So each call gets a
thread of its own. Whoever waited goes on when its time is up; the thread stays behind until the share answers. Once
some have stayed behind, nothing further is begun on this share.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import ClassVar, TypeVar

from prefect_mailroom.errors import RetryLater

MOST_LEFT_BEHIND = 4
"""So many threads may wait for one share that nobody waits for any more."""

T = TypeVar("T")


class Share:
    """The threads of one share, known by its root in all of this process."""

    _named: ClassVar[dict[str, Share]] = {}
    _naming: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, root: str) -> None:
        self._root = root
        self._left_behind = 0

    @classmethod
    def of(cls, root: str) -> Share:
        """Return the share with this root."""
        with cls._naming:
            return cls._named.setdefault(root, cls(root))

    async def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns, or raise what it raises. If the caller is cancelled, the work goes on.

        Raises:
            RetryLater: the share hangs, so nothing was begun.
        """
        if self._left_behind >= MOST_LEFT_BEHIND:
            raise RetryLater(
                f"'{self._root}' does not answer: {self._left_behind} earlier attempts still wait for it.",
                remedy="Check the mount of the share on the worker's machine. The delivery will be tried again.",
            )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        abandoned = threading.Event()

        def settle(result: T | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]  # It is None only where T is.

        def call() -> None:
            result: T | None = None
            failed: BaseException | None = None
            try:
                result = work()
            except BaseException as error:
                failed = error
            with self._naming:
                if abandoned.is_set():
                    self._left_behind -= 1
                abandoned.set()  # It has ended: whoever leaves now leaves nothing behind.
            with contextlib.suppress(RuntimeError):  # The loop may have ended meanwhile.
                loop.call_soon_threadsafe(settle, result, failed)

        # A daemon: the end of the process does not wait for it.
        threading.Thread(
            target=contextvars.copy_context().run, args=(call,), name="mailroom-folder", daemon=True
        ).start()
        try:
            return await done
        except asyncio.CancelledError:
            with self._naming:
                if not abandoned.is_set():
                    abandoned.set()
                    self._left_behind += 1
            raise
