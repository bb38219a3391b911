"""Try a transaction again while the database is busy, away, or chose it as the victim of a deadlock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
PAUSES = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Seconds before each further try. SQLite waits up to 15 s for its lock at each of them as well."""

_LASTING = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


async def persistently(transaction: Callable[[], Awaitable[T]], what: str) -> T:
    """Run a whole transaction, and again after an error that may pass by itself.

    Args:
        transaction: opens a session of its own, so that each try begins anew.
        what: names it in the log.

    Raises:
        DBAPIError, NoConnection, OSError: the last error, once no try is left.
    """
    for pause in PAUSES:
        try:
            return await transaction()
        except _LASTING:
            raise
        except (DBAPIError, NoConnection, OSError) as error:
            _LOG.warning("%s: the database did not take it (%s); another try follows in %g s.", what, error, pause)
        await asyncio.sleep(pause)
    return await transaction()
