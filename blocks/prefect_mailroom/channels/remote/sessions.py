"""Keep open sessions for the next delivery of the same connection, and limit how many there are at once.

Sessions are kept for each process, by a digest of everything that opens them, secrets included: whoever changes the
connection gets a new session. A child that was forked never uses its parent's: two processes on one encrypted stream
would destroy it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from prefect_mailroom.channels.remote.folder import RemoteFolder
from prefect_mailroom.channels.remote.threads import Stop, in_thread
from prefect_mailroom.errors import MailroomError, RetryLater

IDLE_SECONDS = 60.0
MOST_SESSIONS = 2
_ASK_SECONDS = 5.0


class Kept:
    """The idle sessions of this process. `close_all` ends them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[tuple[float, RemoteFolder]]] = defaultdict(list)
        self._timer: threading.Timer | None = None
        self._parents: list[object] = []

    def take(self, key: str) -> RemoteFolder | None:
        """Return the session that was used last, or None."""
        with self._lock:
            waiting = self._idle.get(key)
            return waiting.pop()[1] if waiting else None

    def give(self, key: str, session: RemoteFolder) -> None:
        """Keep a session that works for whoever comes next."""
        with self._lock:
            self._idle[key].append((time.monotonic(), session))
            if self._timer is None:
                self._start_timer()

    def close_idle(self, longer_than: float = IDLE_SECONDS) -> None:
        """Close what nobody has used for so many seconds."""
        before = time.monotonic() - longer_than
        with self._lock:
            old = [session for row in self._idle.values() for since, session in row if since <= before]
            for key in list(self._idle):
                self._idle[key] = [entry for entry in self._idle[key] if entry[0] > before]
                if not self._idle[key]:
                    del self._idle[key]
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            if self._idle:
                self._start_timer()
        for session in old:
            session.close()

    def close_all(self) -> None:
        """Close every idle session."""
        self.close_idle(0)

    def count(self, key: str) -> int:
        """Return how many sessions are idle."""
        with self._lock:
            return len(self._idle.get(key, ()))

    def forget(self) -> None:
        """Let go of everything without a word to any server: the sessions are the parent process's.

        They are held for ever all the same, since closing them on collection would write to the parent's streams.
        """
        self._parents.append(self._idle)
        self._lock, self._timer = threading.Lock(), None
        self._idle = defaultdict(list)

    def _start_timer(self) -> None:
        self._timer = threading.Timer(IDLE_SECONDS / 4, self.close_idle)
        self._timer.daemon = True
        self._timer.start()


KEPT = Kept()
os.register_at_fork(after_in_child=KEPT.forget)

_places: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Semaphore]] = WeakKeyDictionary()


@asynccontextmanager
async def session(
    key: str, connect: Callable[[], Awaitable[RemoteFolder]], *, seconds: float, most: int = MOST_SESSIONS
) -> AsyncIterator[RemoteFolder]:
    """Lend a session: a kept one that still answers, or a new one. It is kept again unless the block
    raises something else than an error of ours.

    Args:
        key: a digest of all settings that open it.
        connect: opens a new one.
        seconds: how long to wait for one of the sessions that there may be at once.

    Raises:
        RetryLater: all of them were busy for so long.
    """
    places = _places.setdefault(asyncio.get_running_loop(), {}).setdefault(f"{key}/{most}", asyncio.Semaphore(most))
    try:
        async with asyncio.timeout(seconds):
            await places.acquire()
    except TimeoutError as error:
        raise RetryLater(f"All {most} sessions of the connection were busy for {seconds:g} s.") from error
    try:
        opened = await _kept(key) or await connect()
        try:
            yield opened
        except MailroomError:  # The server has answered, or was not asked: the session is in order.
            KEPT.give(key, opened)
            raise
        except BaseException:
            opened.abort()
            raise
        KEPT.give(key, opened)
    finally:
        places.release()


async def _kept(key: str) -> RemoteFolder | None:
    """Return a kept session that still answers. Servers close idle ones, and networks forget them."""
    while (found := KEPT.take(key)) is not None:
        try:
            if await in_thread(
                found.is_alive, stop=Stop(), abort=found.abort, seconds=_ASK_SECONDS, grace=_ASK_SECONDS / 5
            ):
                return found
        except TimeoutError:
            pass  # It was aborted.
        found.abort()
    return None
