"""Finish the deletions whose time to undo them has passed: the next pass over each removes its deployment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.schedules import lifecycle
from mailroom.states import ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.tables import Schedule

EVERY_SECONDS = 15.0
LATE_AFTER_SECONDS = 300.0
_BATCH = 100


async def finish_due(database: Database, *, now: datetime) -> list[str]:
    """Finish every deletion that cannot be undone at this time; return the ids of the schedules."""
    finished: list[str] = []
    while True:
        found = await database.transact(lambda session: finish(session, Schedule.delete_after <= now, now=now))
        finished += found
        if len(found) < _BATCH:
            return finished


async def finish(session: AsyncSession, among: ColumnElement[bool], *, now: datetime) -> Sequence[str]:
    """Finish deletions among the schedules that fulfil a condition, some hundred at most; return their ids."""
    undoable = (Schedule.state == ScheduleState.DELETED, Schedule.delete_after.is_not(None))
    query = select(Schedule).where(*undoable, among).order_by(Schedule.id).limit(_BATCH)
    rows = (await session.scalars(query.with_for_update(skip_locked=True))).all()
    for row in rows:
        row.delete_after = None
        lifecycle.changed(row, now=now)
    return [row.id for row in rows]
