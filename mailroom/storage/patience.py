"""Outlast a database that is away: for a transaction whose loss costs a pass its work, or a receipt in hand.

There are two needs. Almost everything uses `Database.transact`, which gives way to other transactions for seconds:
whoever waits for it is told then, or comes round again. `Database.transact_patiently` repeats that one for as long as
an outage may take, and is for the steps of a pass alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection

from mailroom.errors import Unavailable
from mailroom.storage.contention import Overtaken

Result = TypeVar("Result")

_LOG = logging.getLogger(__name__)

STEP = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Seconds before each further try of a step that the next pass can make as well."""
RECEIPT = (*STEP, 15.0, 20.0, 30.0, 30.0, 30.0, 30.0)
"""Seconds before each further try of what only this process knows: three minutes, and nobody sends it again."""

_LASTING = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def may_pass(error: Exception) -> bool:
    """Tell whether an error of the database may pass by itself, so that the same transaction may succeed later."""
    if isinstance(error, _LASTING):
        return False
    return isinstance(error, Unavailable | Overtaken | DBAPIError | NoConnection | OSError)


async def outlast(transact: Callable[[], Awaitable[Result]], what: str, pauses: Sequence[float]) -> Result:
    """Make a transaction, and again after an error of the database that may pass by itself.

    Args:
        transact: makes a transaction of its own each time, by `Database.transact`.
        what: names it in the log.
        pauses: `STEP` or `RECEIPT`.

    Raises:
        Unavailable, DBAPIError, NoConnection, OSError: the last error, once no try is left.
    """
    for pause in pauses:
        try:
            return await transact()
        except Exception as error:
            if not may_pass(error):
                raise
            _LOG.warning("%s: the database did not take it (%s); another try follows in %g s.", what, error, pause)
        await asyncio.sleep(pause)
    return await transact()
