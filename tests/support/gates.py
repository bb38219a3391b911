"""Hold or break one statement of the database, so that a race meets the same interleaving in every run of a test."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.util import await_only

from mailroom.storage.database import Database

A_WRITE = "(INSERT INTO|UPDATE) (?!ledger_clock)"
"""The first write of a request; the clock of the ledger goes on beside it."""


class Gate:
    """`reached` is set when somebody stands at the gate; `open` lets them go on."""

    def __init__(self) -> None:
        self.reached, self._opened = asyncio.Event(), asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def until_reached(self, seconds: float = 30) -> None:
        """Wait until somebody stands at the gate."""
        await asyncio.wait_for(self.reached.wait(), seconds)

    async def wait(self, patience: float) -> None:
        """Stand at the gate. It opens by itself after `patience` seconds: its keeper may wait for a lock of ours."""
        self.reached.set()
        with contextlib.suppress(TimeoutError):
            # Not `wait_for`, which up to Python 3.11 loses a cancellation that comes with the opening.
            async with asyncio.timeout(patience):
                await self._opened.wait()


@contextmanager
def held_before(database: Database, pattern: str, *, patience: float = 5) -> Iterator[Gate]:
    """Hold the first statement that matches until its gate is opened; later ones pass.

    Args:
        pattern: a regular expression that the statement, written on one line, begins with.
        patience: seconds after which the gate opens by itself.
    """
    gate = Gate()

    def before(*arguments: Any) -> None:
        if not gate.reached.is_set() and _begins(arguments, pattern):
            await_only(gate.wait(patience))

    with _listening(database, before):
        try:
            yield gate
        finally:
            gate.open()


@contextmanager
def opened_by(database: Database, gate: Gate, pattern: str) -> Iterator[None]:
    """Open the gate when a statement that matches is about to be executed."""

    def before(*arguments: Any) -> None:
        if gate.reached.is_set() and _begins(arguments, pattern):
            gate.open()

    with _listening(database, before):
        yield


@contextmanager
def busy_once(database: Database, pattern: str) -> Iterator[None]:
    """Let the first statement that matches fail as SQLite does when its write lock stays taken for too long."""
    left = [True]

    def before(*arguments: Any) -> None:
        if left and _begins(arguments, pattern):
            left.clear()
            raise OperationalError(arguments[2], {}, Exception("database is locked"))

    with _listening(database, before):
        yield


def _begins(arguments: tuple[Any, ...], pattern: str) -> bool:
    return re.match(pattern, " ".join(str(arguments[2]).split())) is not None


@contextmanager
def _listening(database: Database, before: Any) -> Iterator[None]:
    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)
