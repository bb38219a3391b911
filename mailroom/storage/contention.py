"""Run a transaction again that had to give way to another one: the only place that does so, see `Database.transact`.

Locks are taken in one order (see `locks`), so deadlocks are rare; but statements of many rows, foreign keys and the
one write lock of SQLite leave some, and a transaction that the database broke off has changed nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Unavailable

_LOG = logging.getLogger(__name__)
Result = TypeVar("Result")

_PAUSES = (0.05, 0.2, 0.5)
"""Seconds before the second, third and fourth try. Postgres breaks off one of two, so the other one is soon done."""
_ENOUGH = 20.0
"""Seconds after which no further try begins: SQLite has waited for 15 of them by itself."""

# serialization_failure and deadlock_detected, https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATES = {"40001", "40P01"}
_SQLITE_WORDS = ("database is locked", "database table is locked")


class Overtaken(Exception):
    """Something read before a lock could be taken has changed since; the transaction is to be run again."""


def is_contention(error: Exception) -> bool:
    """Tell whether a transaction failed only because of another one, so that the same one may succeed now."""
    if isinstance(error, Overtaken):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if getattr(error.orig, "sqlstate", None) in _SQLSTATES:
        return True
    return any(words in str(error.orig) for words in _SQLITE_WORDS)


async def giving_way(
    open_session: Callable[[], AbstractAsyncContextManager[AsyncSession]],
    body: Callable[[AsyncSession], Awaitable[Result]],
) -> Result:
    """Run `body` in a transaction and return its result; run it again, at most three times, after a contention.

    Args:
        open_session: opens a session that commits at its end, each time a new one.
        body: what the transaction does. It may run several times, so it does nothing outside the database.

    Raises:
        Unavailable: the database was contended each time.
    """
    began = time.monotonic()
    for tries, pause in enumerate((*_PAUSES, None), start=1):
        try:
            async with open_session() as session:
                return await body(session)
        except Exception as error:
            if not is_contention(error):
                raise
            why = str(getattr(error, "orig", error)).strip() or type(error).__name__
            if pause is None or time.monotonic() - began > _ENOUGH:
                _LOG.exception("A transaction was broken off %d times and is given up.", tries)
                message = "The database is busy with other changes; nothing was changed."
                raise Unavailable(message, remedy="Try again in a moment.") from error
            _LOG.warning("A transaction gave way to another one and is run again (try %d): %s", tries + 1, why[:300])
        await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")
