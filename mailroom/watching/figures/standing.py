"""Read how the installation stands at this moment, each figure with one query over few rows or an index."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import BreakerState, ExecutionState, ScheduleState, SyncState
from mailroom.storage.model.connection_health import ConnectionHealth
from mailroom.storage.model.upkeep.heartbeats import Heartbeat
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Connection, Execution, Schedule
from mailroom.watching.counts.count import SAMPLES
from mailroom.watching.figures.spec import Sign, Sync


async def under_way(session: AsyncSession, *, now: datetime) -> int:
    """Return how many runs have a process that is sure to live."""
    query = select(func.count()).where(
        Execution.status == ExecutionState.RUNNING,
        Execution.lease_until > now,
        Execution.schedule_id.not_in(SAMPLES),
    )
    return int((await session.execute(query)).scalar_one())


async def breakers(session: AsyncSession) -> dict[BreakerState, int]:
    """Count the connections by the state of their breaker; one without a row has always been closed."""
    query = select(ConnectionHealth.state, func.count()).group_by(ConnectionHealth.state)
    found = {row[0]: int(row[1]) for row in await session.execute(query)}
    total = int((await session.execute(select(func.count()).select_from(Connection))).scalar_one())
    troubled = sum(number for state, number in found.items() if state is not BreakerState.CLOSED)
    return {**dict.fromkeys(BreakerState, 0), **found, BreakerState.CLOSED: max(0, total - troubled)}


async def sync(session: AsyncSession) -> Sync:
    """Count the schedules that Prefect does not show as they are wanted, and tell since when the oldest waits."""
    behind = (SyncState.PENDING, SyncState.ERROR)
    query = (
        select(Schedule.sync_state, func.count(), func.min(Schedule.updated_at))
        .where(Schedule.sync_state.in_(behind), Schedule.is_sample.is_(False))
        .group_by(Schedule.sync_state)
    )
    found, oldest = dict.fromkeys(behind, 0), None
    for state, number, first in await session.execute(query):
        found[state] = int(number)
        oldest = first if oldest is None else min(oldest, first)
    return Sync(found, oldest)


async def schedules(session: AsyncSession) -> dict[ScheduleState, int]:
    """Count the schedules by state; deleted ones are kept as proof, and not counted."""
    query = select(Schedule.state, func.count()).where(Schedule.is_sample.is_(False)).group_by(Schedule.state)
    found = {row[0]: int(row[1]) for row in await session.execute(query)}
    return {state: found.get(state, 0) for state in ScheduleState if state is not ScheduleState.DELETED}


async def connection_secret_since(session: AsyncSession) -> datetime | None:
    """Return since when the oldest secret of a connection is what it is; None where no connection has one."""
    return (await session.execute(select(func.min(Connection.secret_changed_at)))).scalar_one()


async def signs(session: AsyncSession, *, now: datetime) -> dict[str, Sign]:
    """Return the last sign of life of each loop, of whichever process, and whether it is silent for too long."""
    query = select(Heartbeat.name, Heartbeat.last_success, Heartbeat.late_after).order_by(Heartbeat.last_success)
    found: dict[str, Sign] = {}
    for name, at, late_after in await session.execute(query):  # The latest one of a name comes last.
        found[name] = Sign(at, late=(now - at).total_seconds() > late_after)
    return found


async def incidents(session: AsyncSession) -> dict[str, int]:
    """Count the open incidents by severity; those that another one covers are not counted."""
    query = (
        select(Incident.severity, func.count())
        .where(Incident.resolved_at.is_(None), Incident.merged_into.is_(None))
        .group_by(Incident.severity)
    )
    return {row[0]: int(row[1]) for row in await session.execute(query)}
