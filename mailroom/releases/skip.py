"""Skip what was due before a database was restored: nobody knows whether it was delivered, and a person said so.

Each page is a transaction of its own. The stop stands meanwhile, and a repetition goes on where one broke off.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import delivery_lifecycle, lifecycle
from mailroom.executions import repository as executions
from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.ledger.account import account
from mailroom.releases import repository as releases
from mailroom.schedules import repository as schedules
from mailroom.states import ExecutionState
from mailroom.storage.database import Database
from mailroom.storage.locks import before_reading

_BATCH = 200


async def skip(database: Database, *, until: datetime, now: datetime) -> int:
    """Account for everything that was due until then as skipped; return how many executions of the ledger that ended.

    What the ledger lacks is written as skipped, or as missed where it would have been too late anyway.
    """
    reason = because(ReasonCode.RESTORED_SKIPPED)
    beyond = ""
    while True:

        async def fill(session: AsyncSession, beyond: str = beyond) -> str | None:
            await before_reading(session)
            batch = await releases.behind(session, until=until, beyond=beyond, limit=_BATCH, lock=True)
            await account(session, batch, now=now, until=until, ended=reason)
            return batch[-1].id if len(batch) == _BATCH else None

        following = await database.transact(fill)
        if following is None:
            return await _end_known(database, reason, until, now)
        beyond = following


async def _end_known(database: Database, reason: Reason, until: datetime, now: datetime) -> int:
    done, position = 0, None
    while True:
        async with database.session() as session:
            page = await releases.known_before(session, until=until, beyond=position, limit=_BATCH)
        pending = [row for row in page if row.status is ExecutionState.PENDING]
        ends = [(row.id, ExecutionState.SKIPPED, reason) for row in pending]
        await database.transact(partial(lifecycle.close_unbegun, ends=ends, now=now))
        for row in page:
            if row.status is not ExecutionState.PENDING:
                await database.transact(partial(_end, execution_id=row.id, reason=reason, now=now))
        done += len(page)
        if len(page) < _BATCH:
            return done
        position = (page[-1].due_at, page[-1].id)


async def _end(session: AsyncSession, *, execution_id: str, reason: Reason, now: datetime) -> None:
    """Cancel what had begun, so that a person may still ask for it; a request for another try is dropped."""
    schedule = await schedules.hold_of(session, execution_id)
    assert schedule is not None, "schedules are never removed, only marked as deleted"
    execution = await executions.get(session, execution_id, lock=True)
    if execution.status.ended:
        lifecycle.drop_request(execution)
        return
    if execution.status is ExecutionState.PENDING:
        return
    await delivery_lifecycle.suppress_rest(session, execution.id, reason)
    await delivery_lifecycle.abandon_attempts(session, execution.id, now=now)
    lifecycle.cancel(execution, reason, schedule=schedule, now=now)
