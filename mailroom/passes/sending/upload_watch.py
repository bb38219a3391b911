"""Watch an upload: a long one tells in the run's log and in the ledger how far it is, while it lasts.

A channel tells from its own thread, often thousands of times. What it tells is only kept there; a task of the pass,
which begins with the first of it, writes from time to time. A delivery that tells nothing, or is done soon, costs no
statement.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Unavailable
from mailroom.executions.history import upload_progress
from mailroom.passes.sending.upload_pace import Said, is_worth_a_line, line
from mailroom.storage.database import Database
from mailroom.storage.tables import Delivery

_LOG = logging.getLogger(__name__)
QUIET_SECONDS = 1.5
"""Nothing is written about an upload that is done sooner: most are, and each write costs."""
PAUSE_SECONDS = 2.0
"""The least time between two writes."""


class UploadWatch:
    """Keeps what a channel told last of one attempt. `tell` may be called from any thread, returns at once and never
    raises.
    """

    def __init__(self, database: Database, delivery: Delivery, attempt: int) -> None:
        self._database, self._attempt = database, attempt
        self._id, self._channel = delivery.id, delivery.channel
        self._loop, self._context = asyncio.get_running_loop(), contextvars.copy_context()
        self._told: tuple[int, int] | None = None
        self._has_begun = self._is_over = False
        self._writing: asyncio.Task[None] | None = None

    def tell(self, sent: int, total: int) -> None:
        """Take how many bytes of how many have left."""
        self._told = (sent, total)
        if not self._has_begun:
            self._has_begun = True
            # The loop may have ended, where a thread outlives its attempt.
            with contextlib.suppress(RuntimeError):
                # The context is that of the pass, so that the run's log is found.
                self._loop.call_soon_threadsafe(self._begin, context=self._context)

    def _begin(self) -> None:
        if self._writing is None and not self._is_over:  # Two threads may have told the first at once.
            self._writing = asyncio.create_task(self._write(time.monotonic()))
            self._writing.add_done_callback(self._ended)

    def end(self) -> None:
        """Write nothing more. Nothing is waited for: what the far side said is to be recorded before all else."""
        self._is_over = self._has_begun = True
        if self._writing is not None:
            self._writing.cancel()

    def _ended(self, writing: asyncio.Task[None]) -> None:
        if not writing.cancelled() and (error := writing.exception()) is not None:
            _LOG.error("How far delivery %s is is not told any more.", self._id, exc_info=error)

    async def _write(self, began: float) -> None:
        written, said = None, Said(0, began)
        await asyncio.sleep(QUIET_SECONDS)
        while True:
            told = self._told
            assert told is not None, "the first that was told began this task"
            if told != written:
                await self._note(*told)
                written = told
            now = time.monotonic()
            if is_worth_a_line(said, *told, now=now):
                _run_log().info("Delivery %s by %s: %s.", self._id, self._channel, line(*told, seconds=now - began))
                said = Said(told[0], now)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _note(self, sent: int, total: int) -> None:
        async def note(session: AsyncSession) -> None:
            await upload_progress.note(session, self._id, self._attempt, sent=sent, total=total)

        try:
            await self._database.transact(note)
        except (Unavailable, SQLAlchemyError, OSError):
            # A write that fails is left out: the next one tells more.
            _LOG.warning("How far delivery %s is could not be written.", self._id, exc_info=True)


def _run_log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """Return the log of the flow run, or ours where no run is under way."""
    try:
        return get_run_logger()
    except MissingContextError:
        return _LOG


@contextmanager
def watching(database: Database, delivery: Delivery, attempt: int) -> Iterator[UploadWatch]:
    """Watch what an attempt sends in the block."""
    watch = UploadWatch(database, delivery, attempt)
    try:
        yield watch
    finally:
        watch.end()
