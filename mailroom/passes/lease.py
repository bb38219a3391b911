"""Hold a lease while a process works on an execution: it is renewed again and again, and a dead process falls silent.

It keeps two processes off the same execution, and lets the rescue see which passes died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from mailroom.executions import repository as executions
from mailroom.storage.database import Database

_LOG = logging.getLogger(__name__)
LENGTH = timedelta(seconds=60)
RENEWAL_SECONDS = 15.0


@asynccontextmanager
async def lease(database: Database, execution_id: str) -> AsyncIterator[None]:
    """Hold the execution's lease while the block runs; it is given back at the end, however that comes."""
    renewing = asyncio.create_task(_renew(database, execution_id))
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing
        try:
            async with database.session() as session:
                await executions.set_lease(session, execution_id, None)
        except (SQLAlchemyError, OSError):
            _LOG.warning("The lease of execution %s could not be given back; it ends by itself.", execution_id)


async def _renew(database: Database, execution_id: str) -> None:
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        try:
            async with database.session() as session:
                await executions.set_lease(session, execution_id, datetime.now(UTC) + LENGTH)
        except (SQLAlchemyError, OSError):
            # The next renewal comes long before the lease ends.
            _LOG.warning("The lease of execution %s could not be renewed.", execution_id, exc_info=True)
