"""Find the schedules for which something waits to be written to Prefect, page by page in the order of their ids.

The order has nothing to do with age: whoever goes through all pages gives each schedule its turn, however many of them
Prefect refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import again
from mailroom.executions import repository as executions
from mailroom.states import SyncState
from mailroom.storage.tables import Execution, Schedule


async def unsynced(session: AsyncSession, *, after: str, limit: int) -> Sequence[str]:
    """Return the next schedules whose wanted state Prefect does not show yet and has not refused."""
    query = select(Schedule.id).where(Schedule.sync_state == SyncState.PENDING, Schedule.id > after)
    return (await session.scalars(query.order_by(Schedule.id).limit(limit))).all()


async def with_requests(session: AsyncSession, *, after: str, limit: int) -> Sequence[str]:
    """Return the next schedules with executions that Prefect is to be told of: without a run, or to be tried again.

    Of a backfill, an occurrence has its turn when the earlier ones are done or wait for a retry.
    """
    query = select(Execution.schedule_id).where(
        or_(executions.without_run(), again.not_handed_over()), Execution.schedule_id > after
    )
    return (await session.scalars(query.distinct().order_by(Execution.schedule_id).limit(limit))).all()
