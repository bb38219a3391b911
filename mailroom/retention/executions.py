"""Remove executions that ended long ago, with their deliveries, attempts and downloads; then what names their files.

The last execution of each schedule stays, since the schedule shows it, and so does what has not ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, cast, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionState
from mailroom.storage.model.links import Download
from mailroom.storage.tables import Artifact, Attempt, Delivery, Execution, Schedule

_ENDED = [state for state in ExecutionState if state.ended]
_NO_SYNC = {"synchronize_session": False}


async def remove_executions(session: AsyncSession, *, before: datetime, rows: int) -> int:
    """Remove some executions that were due and made before a time.

    Deliveries go first where an execution has more of them than one transaction may remove.

    Args:
        rows: how many executions and deliveries may be removed together, about; each delivery with its attempts.

    Returns:
        how many executions and deliveries were removed; 0 where none is left.
    """
    is_last = exists().where(Schedule.last_execution_id == Execution.id)
    # As a function of the state, so that SQLite reads by the due time: by the index of states it would read and sort
    # everything that is old for each batch.
    ended = func.lower(cast(Execution.status, String)).in_([str(state) for state in _ENDED])
    query = select(Execution.id).where(Execution.due_at < before, Execution.created_at < before, ended, ~is_last)
    # Locked, so that nobody tries one of them again meanwhile; whoever works on one keeps it.
    query = query.order_by(Execution.due_at, Execution.id).limit(max(1, rows // 2)).with_for_update(skip_locked=True)
    executions = (await session.scalars(query)).all()
    if not executions:
        return 0
    found = select(Delivery.id).where(Delivery.execution_id.in_(executions)).limit(rows + 1)
    deliveries = (await session.scalars(found)).all()
    await _remove_deliveries(session, deliveries[:rows])
    if len(deliveries) > rows:
        return rows
    going = delete(Execution).where(Execution.id.in_(executions))
    await session.execute(going.execution_options(**_NO_SYNC))
    return len(executions) + len(deliveries)


async def _remove_deliveries(session: AsyncSession, deliveries: Sequence[str]) -> None:
    if not deliveries:
        return
    for table in (Download, Attempt):
        of_them = delete(table).where(table.delivery_id.in_(deliveries))
        await session.execute(of_them.execution_options(**_NO_SYNC))
    going = delete(Delivery).where(Delivery.id.in_(deliveries))
    await session.execute(going.execution_options(**_NO_SYNC))


async def remove_file_names(session: AsyncSession, *, before: datetime, rows: int) -> int:
    """Remove the rows of files that expired before a time and that no execution names as its export.

    Such files are gone from the store for long: a row outlives its file by as long as executions are kept.

    Returns:
        how many were removed; 0 where none is left.
    """
    named = exists().where(Execution.export_id == Artifact.id)
    query = select(Artifact.id).where(Artifact.expires_at < before, ~named).order_by(Artifact.expires_at).limit(rows)
    files = (await session.scalars(query)).all()
    if files:
        await session.execute(delete(Artifact).where(Artifact.id.in_(files)).execution_options(**_NO_SYNC))
    return len(files)
