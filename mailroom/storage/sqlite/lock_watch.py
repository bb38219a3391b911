"""Watch SQLite's one write lock: say who held it for long, since when and with which statements, and who waited long.

The driver begins a transaction with its first change, so the lock is held from the end of that statement until the
connection is given back after its commit. Time inside of statements is the database's; the rest is ours, and shows a
transaction that waits for something else. Who waits in vain asks the kernel for the holder, which may stand still and
say nothing itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from mailroom.storage.hosts.clock import local_time
from mailroom.storage.sqlite.lock_holder import write_lock_holder

_LOG = logging.getLogger(__name__)
HELD_SECONDS = 1.0
"""Holding the lock for longer is said in the log."""
WAITED_SECONDS = 2.0
"""Waiting for the lock for longer is said in the log."""
_KEPT_STATEMENTS = 5
_SHOWN_LETTERS = 120
_WITHOUT_LOCK = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")
"""Statements that begin with these words take no lock, though a savepoint begins a transaction as well."""
_STATE = "mailroom_lock_watch"


@dataclass(slots=True)
class _Held:
    """The transaction that holds the lock."""

    since: float
    at: datetime
    in_statements: float = 0.0
    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, statement: str, seconds: float) -> None:
        self.count += 1
        self.in_statements += seconds
        if len(self.first) < _KEPT_STATEMENTS:
            self.first.append(_shown(statement))


@dataclass(slots=True)
class _State:
    """Remember what is known of one connection."""

    began: float = 0.0
    held: _Held | None = None


def watch_write_lock(engine: Engine) -> None:
    """Watch every connection of an engine on SQLite."""
    event.listen(engine, "before_cursor_execute", _before)
    event.listen(engine, "after_cursor_execute", _after)
    event.listen(engine, "handle_error", _failed)
    event.listen(engine, "checkin", _given_back)
    event.listen(engine, "invalidate", _dropped)


def _state(info: dict[Any, Any]) -> _State:
    state: _State = info.setdefault(_STATE, _State())
    return state


def _takes_lock(connection: Connection, statement: str) -> bool:
    """Tell whether this statement, in a transaction that had not changed anything yet, got the write lock."""
    driver: Any = connection.connection.driver_connection
    return bool(driver.in_transaction) and not statement.lstrip().upper().startswith(_WITHOUT_LOCK)


def _before(connection: Connection, *_: object) -> None:
    _state(connection.info).began = time.monotonic()


def _after(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    state, now = _state(connection.info), time.monotonic()
    if state.held is not None:
        state.held.add(statement, now - state.began)
    elif _takes_lock(connection, statement):
        state.held = _Held(now, local_time())
        state.held.add(statement, 0.0)
        _tell_wait(statement, now - state.began)


def _failed(context: ExceptionContext) -> None:
    connection, statement = context.connection, context.statement
    if connection is None or statement is None:
        return
    state = _state(connection.info)
    if isinstance(context.original_exception, sqlite3.OperationalError):
        if state.held is None:
            _tell_wait_in_vain(statement, time.monotonic() - state.began, connection.engine.url.database or "")
    else:  # A change that broke a rule had the lock, and a savepoint keeps it.
        _after(connection, None, statement)


def _given_back(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    state = _state(entry.info)
    held, state.held = state.held, None
    seconds = time.monotonic() - held.since if held else 0.0
    if held and seconds > HELD_SECONDS:
        _LOG.warning(
            "Process %d held the write lock for %.1f s since %s, in %s; %.1f s of that in its %d statements: %s",
            os.getpid(),
            seconds,
            held.at.isoformat(timespec="milliseconds"),
            _task(),
            held.in_statements,
            held.count,
            "; ".join(held.first),
        )


def _dropped(_connection: DBAPIConnection, entry: ConnectionPoolEntry, _error: BaseException | None) -> None:
    _given_back(None, entry)


def _tell_wait(statement: str, seconds: float) -> None:
    if seconds > WAITED_SECONDS:
        shown = _shown(statement)
        _LOG.warning("Process %d waited %.1f s for the write lock, in %s: %s", os.getpid(), seconds, _task(), shown)


def _tell_wait_in_vain(statement: str, seconds: float, database: str) -> None:
    if seconds > WAITED_SECONDS:
        _LOG.warning(
            "Process %d waited %.1f s in vain for the write lock, in %s: %s. It is held by %s.",
            os.getpid(),
            seconds,
            _task(),
            _shown(statement),
            write_lock_holder(Path(database)) or "nobody that the system names",
        )


def _shown(statement: str) -> str:
    return " ".join(statement.split())[:_SHOWN_LETTERS]


def _task() -> str:
    """Return the name of the coroutine that works here."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return "no task"
    coroutine = task.get_coro() if task else None
    return getattr(coroutine, "__qualname__", "no task")
