"""Read from the database what checks need of it: what waits, and how the mail connections are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.model.connection_health import ConnectionHealth
from mailroom.storage.tables import Connection, Execution, Schedule
from mailroom.watching.checks.mail import MailConnection


async def oldest_due(session: AsyncSession, *, now: datetime) -> datetime | None:
    """Return when the oldest occurrence was due that should run by now and that nothing has begun; None without one.

    Left out are samples, backfills, which take turns, and what waits for a stop or for an earlier occurrence.
    """
    unclaimed = select(Schedule.next_run).where(
        Schedule.state == ScheduleState.ACTIVE, Schedule.next_run <= now, Schedule.is_sample.is_(False)
    )
    waits = (
        Execution.kind != ExecutionKind.BACKFILL,
        Execution.held_by.is_(None),
        Execution.waits_for.is_(None),
        Schedule.is_sample.is_(False),
    )
    pending = select(Execution.due_at).join(Schedule, Schedule.id == Execution.schedule_id)
    pending = pending.where(Execution.status == ExecutionState.PENDING, Execution.due_at <= now, *waits)
    retrying = select(Execution.next_pass_at).join(Schedule, Schedule.id == Execution.schedule_id)
    retrying = retrying.where(Execution.status == ExecutionState.RETRYING, Execution.next_pass_at <= now, *waits)
    found = []
    for query, column in (
        (unclaimed, Schedule.next_run),
        (pending, Execution.due_at),
        (retrying, Execution.next_pass_at),
    ):
        found.append((await session.scalars(query.order_by(column).limit(1))).first())
    return min((moment for moment in found if moment is not None), default=None)


async def mail_connections(session: AsyncSession) -> list[MailConnection]:
    """Return what is known of each mail connection."""
    columns = (
        Connection.name,
        Connection.last_check_ok,
        Connection.last_check_at,
        ConnectionHealth.state,
        ConnectionHealth.since,
    )
    query = select(*columns).outerjoin(ConnectionHealth, ConnectionHealth.name == Connection.name)
    rows = await session.execute(query.where(Connection.kind == "email").order_by(Connection.name))
    return [MailConnection(*row) for row in rows]
