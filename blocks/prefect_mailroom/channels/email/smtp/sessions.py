"""Keep sessions with SMTP servers: a few for each server in each event loop, given to one mail after another.

Opening a session takes several round trips, a TLS handshake and a login, and servers count logins. A kept session is
used by the loop that opened it alone, ends after `IDLE_SECONDS` without a mail or after `MOST_MAILS`, and with its
loop. Its key is the whole description of the server, so settings that have changed never meet an old session.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.smtp.errors import translated
from prefect_mailroom.channels.email.smtp.server import Server
from prefect_mailroom.channels.email.smtp.session import Session
from prefect_mailroom.errors import RetryLater

SESSIONS = 2
"""Open at most so many sessions with one server at once in one event loop."""
IDLE_SECONDS = 30.0
MOST_MAILS = 100


@contextlib.asynccontextmanager
async def in_time(server: Server, until: float) -> AsyncIterator[None]:
    """Give the block until then, on the event loop's clock. Nothing of a mail may leave within it.

    Raises:
        RetryLater: it took longer.
    """
    try:
        async with asyncio.timeout_at(until):
            yield
    except TimeoutError as error:
        raise RetryLater(f"{server.name} was too slow to take the mail.") from error


class Sessions:
    """Keep the sessions with one server in one event loop."""

    def __init__(self, server: Server, most: int) -> None:
        self.server = server
        self._places = asyncio.Semaphore(most)
        self._idle: list[Session] = []
        self._all: set[Session] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._users = 0

    @property
    def is_unused(self) -> bool:
        """Tell whether there is no session, and nobody who is about to open one."""
        return not self._users and not self._all

    @contextlib.asynccontextmanager
    async def begun(self, sender: str, size: int, *, until: float) -> AsyncIterator[Session]:
        """Give a session in which a mail of this sender and size has begun, and take it back at the end.

        Args:
            until: when it must have begun, on the event loop's clock; waiting for another mail to end is included.

        Raises:
            ConfigurationError, RetryLater, Refused: see `errors.py`.
        """
        self._users += 1
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with in_time(self.server, until):
                    await stack.enter_async_context(self._places)
                    session = await self._begin(sender, size, until)
                try:
                    yield session
                finally:
                    self._give_back(session)
        finally:
            self._users -= 1

    async def _begin(self, sender: str, size: int, until: float) -> Session:
        while self._idle:
            session = self._idle.pop()
            kept = False
            try:
                with translated(self.server):
                    kept = await self._is_permitted(session) and await session.still_takes(sender, size)
            finally:
                if not kept:
                    self._drop(session)
            if kept:
                return session
        seconds = max(until - asyncio.get_running_loop().time(), 0.1)
        session = await Session.open(self.server, seconds=seconds)
        self._all.add(session)
        try:
            with translated(self.server):
                await session.mail(sender, size)
        except BaseException:
            self._drop(session)
            raise
        return session

    async def _is_permitted(self, session: Session) -> bool:
        """Ask the guard again about the other end: what it lets through may have changed meanwhile.

        Raises:
            TargetForbidden: it has.
        """
        if not session.is_open:
            return False
        try:
            peer = str(session.link.getpeername()[0])
        except OSError:
            return False  # Nobody is there any more.
        outbound.permit(self.server.host, peer)
        await outbound.refuse_never(self.server.host, peer, self.server.port)
        return True

    def _give_back(self, session: Session) -> None:
        if not session.in_step or not session.is_open or session.mails >= MOST_MAILS:
            self._all.discard(session)
            session.hang_up()
            return
        session.idle_since = time.monotonic()
        self._idle.append(session)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_idle)

    def _drop(self, session: Session) -> None:
        self._all.discard(session)
        session.close()

    def _end_idle(self) -> None:
        """Close the sessions that nobody has used for so long, and look again when the next one would be due."""
        now = time.monotonic()
        for session in [one for one in self._idle if one.idle_since + IDLE_SECONDS <= now]:
            self._idle.remove(session)
            self._all.discard(session)
            session.hang_up()
        self._timer = None
        if self._idle:
            longest = min(session.idle_since for session in self._idle)
            wait = max(longest + IDLE_SECONDS - now, 0.01)
            self._timer = asyncio.get_running_loop().call_later(wait, self._end_idle)

    async def close(self) -> None:
        """Say goodbye to the server in every session."""
        if self._timer is not None:
            self._timer.cancel()
        sessions, self._all, self._idle = self._all, set(), []
        await asyncio.gather(*(session.leave() for session in sessions))

    def abandon(self) -> None:
        """Let go of everything in a forked child."""
        for session in self._all:
            session.abandon()


class _OfLoop:
    """Hold the sessions of one event loop by their server, and the generator by which the loop ends them."""

    def __init__(self) -> None:
        self.by_server: dict[tuple[Server, int], Sessions] = {}
        self.ending: AsyncGenerator[None, None] | None = None


_LOOPS: dict[asyncio.AbstractEventLoop, _OfLoop] = {}


async def sessions_with(server: Server, *, most: int = SESSIONS) -> Sessions:
    """Return the sessions with a server in the running event loop."""
    loop = asyncio.get_running_loop()
    ours = _LOOPS.get(loop)
    if ours is None:
        for ended in [other for other in list(_LOOPS) if other.is_closed()]:
            _LOOPS.pop(ended, None)
        ours = _LOOPS[loop] = _OfLoop()
        # An event loop closes its asynchronous generators when it shuts down: the one hook that every loop has.
        ours.ending = _until_the_end(loop, ours)
        await anext(ours.ending)
    found = ours.by_server.get((server, most))
    if found is None:
        ours.by_server = {key: used for key, used in ours.by_server.items() if not used.is_unused}
        found = ours.by_server[server, most] = Sessions(server, most)
    return found


async def _until_the_end(loop: asyncio.AbstractEventLoop, ours: _OfLoop) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        _LOOPS.pop(loop, None)
        await asyncio.gather(*(sessions.close() for sessions in ours.by_server.values()))
        for _ in range(3):  # So that the transports are closed before their loop is.
            await asyncio.sleep(0)


def _after_fork() -> None:
    """Forget in a forked child the sessions of its parent: two processes in one session would mix their mails."""
    for ours in _LOOPS.values():
        for sessions in ours.by_server.values():
            sessions.abandon()
    _LOOPS.clear()


os.register_at_fork(after_in_child=_after_fork)
