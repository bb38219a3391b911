"""Hold a lease while a process works on an execution: it is renewed again and again, and a dead process falls silent.

It keeps two processes off the same execution, and lets the rescue see which passes died. A pass that slept past its
lease stops as soon as a renewal finds that another one holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Unavailable
from mailroom.executions import repository as executions
from mailroom.executions.fence import PassLost
from mailroom.storage.database import Database

_LOG = logging.getLogger(__name__)
LENGTH = timedelta(seconds=30)
"""A process that died is found when its lease has ended: the rest of a minute is for the pass that follows."""
RENEWAL_SECONDS = 7.0


class Lease:
    """A lease that is held. `given_back` says that the conclusion of the pass has given it back."""

    def __init__(self) -> None:
        self.given_back = False


@asynccontextmanager
async def lease(database: Database, execution_id: str, pass_number: int) -> AsyncIterator[Lease]:
    """Hold the execution's lease while the block runs; it is given back at the end, however that comes.

    Raises:
        PassLost: another pass has the lease; the block was broken off, unless it had just ended.
    """
    holder = asyncio.current_task()
    assert holder is not None, "a coroutine runs in a task"
    lost = asyncio.Event()
    renewing = asyncio.create_task(_renew(database, execution_id, pass_number, holder, lost))
    held = Lease()
    try:
        yield held
    except asyncio.CancelledError:
        if lost.is_set():
            raise PassLost(f"Pass {pass_number} over execution {execution_id} has lost its lease.") from None
        raise
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing
        if lost.is_set():
            holder.uncancel()
        elif not held.given_back:
            await _give_back(database, execution_id, pass_number)


async def _set(execution_id: str, pass_number: int, until: datetime | None, session: AsyncSession) -> bool:
    return await executions.set_lease(session, execution_id, pass_number, until)


async def _give_back(database: Database, execution_id: str, pass_number: int) -> None:
    try:
        await database.transact(partial(_set, execution_id, pass_number, None))
    except (Unavailable, SQLAlchemyError, OSError):
        _LOG.warning("The lease of execution %s could not be given back; it ends by itself.", execution_id)


async def _renew(
    database: Database, execution_id: str, pass_number: int, holder: asyncio.Task[object], lost: asyncio.Event
) -> None:
    """Renew the lease until another pass has it, and then break the holder off."""
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        until = database.now() + LENGTH
        try:
            mine = await database.transact(partial(_set, execution_id, pass_number, until))
        except (Unavailable, SQLAlchemyError, OSError):
            # The next renewal comes long before the lease ends.
            _LOG.warning("The lease of execution %s could not be renewed.", execution_id, exc_info=True)
            continue
        if not mine:
            _LOG.warning("Pass %d over execution %s has lost its lease; it stops.", pass_number, execution_id)
            lost.set()
            holder.cancel()
            return
