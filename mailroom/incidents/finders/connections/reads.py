"""Ask the database through which connections schedules fail, wait, and went well. Sample schedules are left out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.connections.breaker import repository as outcomes
from mailroom.connections.breaker.decide import WINDOW, Breaker
from mailroom.connections.breaker.repository import breaker_of
from mailroom.executions.history.last_result import Attention
from mailroom.executions.reasons import ReasonCode
from mailroom.incidents.finders import ledger
from mailroom.incidents.finders.connections.decide import Failure, Lately
from mailroom.states import BreakerState, DeliveryState, ExecutionState, ScheduleState
from mailroom.storage.model.connection_health import ConnectionHealth
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.tables import Delivery, Execution, Report, Schedule

_NOT_CONFIRMED = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
"""These states say that the connection may not work; a far side that refused has answered."""
_RENDERING = (str(ReasonCode.RENDER_FAILED), str(ReasonCode.RENDER_EXPIRED))
_SOURCE = Report.definition["source"]["connection"].as_string()


def _failing(*last: ExecutionState) -> ColumnElement[bool]:
    return and_(
        Schedule.attention == Attention.FAILING,
        Schedule.last_status.in_(last),
        Schedule.state.in_(ledger.LIVES),
        Schedule.is_sample.is_(False),
    )


async def breakers(session: AsyncSession) -> dict[str, tuple[Breaker, str]]:
    """Return the breakers that are not closed with their reasons, by connection."""
    rows = await session.scalars(select(ConnectionHealth).where(ConnectionHealth.state != BreakerState.CLOSED))
    return {row.name: (breaker_of(row), row.reason) for row in rows}


async def lately(session: AsyncSession, open_now: Collection[str], *, now: datetime) -> dict[str, Lately]:
    """Return how attempts ended within the last minutes, where some have failed or an incident is open."""
    closed = select(ConnectionHealth.name).where(
        ConnectionHealth.name.in_(open_now),
        ConnectionHealth.state == BreakerState.CLOSED,
        ConnectionHealth.since > now - WINDOW,
    )
    was_closed = set(await session.scalars(closed))
    tries = await outcomes.in_a_row(session, open_now, now=now)
    found = {name: Lately(worked=True) for name in was_closed}
    for name, counted in tries.items():
        well = bool(counted.worked) or name in was_closed
        found[name] = Lately(counted.failed, worked=well and not counted.failed)
    return found


async def failed_deliveries(session: AsyncSession) -> list[Failure]:
    """Return the schedules whose last run confirmed nothing through a connection, the latest first.

    Two queries: in one, SQLite begins with the failed deliveries of all time, and takes a minute over 100,000 runs.
    """
    failing = (
        select(Execution.id, Schedule.id, Execution.completed_at)
        .join(Schedule, Schedule.last_execution_id == Execution.id)
        .where(_failing(ExecutionState.FAILED, ExecutionState.PARTIAL), Execution.completed_at.is_not(None))
        .order_by(Execution.completed_at.desc(), Schedule.id)
        .limit(ledger.MOST)
    )
    runs = {row[0]: (row[1], row[2]) for row in await session.execute(failing)}
    query = (
        select(Delivery.execution_id, Delivery.connection, func.max(Delivery.error_message))
        .where(Delivery.execution_id.in_(list(runs)))
        .group_by(Delivery.execution_id, Delivery.connection)
        .having(func.sum(case((Delivery.status.in_(_NOT_CONFIRMED), 1), else_=0)) > 0)
        .having(func.sum(case((Delivery.status == DeliveryState.DELIVERED, 1), else_=0)) == 0)
        .order_by(Delivery.connection)
    )
    of_run: dict[str, list[tuple[str, str]]] = {}
    for execution_id, name, error in await session.execute(query):
        of_run.setdefault(execution_id, []).append((name, (error or "")[: ledger.LONGEST_ERROR]))
    return [
        Failure(name, schedule_id, at, error)
        for execution_id, (schedule_id, at) in runs.items()
        for name, error in of_run.get(execution_id, ())
    ]


async def failed_renderings(session: AsyncSession) -> list[Failure]:
    """Return the schedules whose last run could not make its report, by what the report reads from."""
    query = (
        select(_SOURCE, Schedule.id, Execution.completed_at, Execution.reason)
        .join(Execution, Execution.id == Schedule.last_execution_id)
        .join(Report, Report.id == Schedule.report_id)
        .where(_failing(ExecutionState.FAILED), Execution.reason_code.in_(_RENDERING))
        .where(Execution.completed_at.is_not(None), _SOURCE.is_not(None))
        .order_by(Execution.completed_at.desc(), Schedule.id)
        .limit(ledger.MOST)
    )
    return [
        Failure(name, schedule_id, at, error[: ledger.LONGEST_ERROR], is_source=True)
        for name, schedule_id, at, error in await session.execute(query)
    ]


async def went_well(session: AsyncSession, names: Collection[str]) -> dict[str, datetime]:
    """Return when a run that used each of these connections last went well, as far as it was its schedule's last."""
    succeeded = and_(
        Schedule.last_status == ExecutionState.SUCCESS,
        Schedule.is_sample.is_(False),
        Execution.completed_at.is_not(None),
    )
    of_run = Execution.id == Schedule.last_execution_id
    through = (
        select(ScheduleDestination.connection, func.max(Execution.completed_at))
        .join(Schedule, Schedule.id == ScheduleDestination.schedule_id)
        .join(Execution, of_run)
        .where(ScheduleDestination.connection.in_(names), succeeded)
        # A run that went well may have had no need of the store of its links.
        .where(ScheduleDestination.recipients > 0)
        .group_by(ScheduleDestination.connection)
    )
    read_from = (
        select(_SOURCE, func.max(Execution.completed_at))
        .join(Schedule, Schedule.report_id == Report.id)
        .join(Execution, of_run)
        .where(_SOURCE.in_(names), succeeded)
        .group_by(_SOURCE)
    )
    found: dict[str, datetime] = {}
    for query in (through, read_from):
        for name, at in await session.execute(query):
            found[name] = max(at, found.get(name, at))
    return found


async def waiting(session: AsyncSession, names: Collection[str]) -> dict[str, set[str]]:
    """Return the schedules with a run that waits for one of these: its breaker holds the run, or it is tried again."""
    lives = (Schedule.state != ScheduleState.DELETED, Schedule.is_sample.is_(False))
    held = (
        select(ConnectionHealth.name, Schedule.id)
        .join(Execution, Execution.held_by == ConnectionHealth.stop_id)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(ConnectionHealth.name.in_(names), *lives)
        .where(Execution.status.in_((ExecutionState.PENDING, ExecutionState.RETRYING)))
    )
    retried = (
        select(Delivery.connection, Schedule.id)
        .join(Execution, Execution.id == Delivery.execution_id)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(Execution.status == ExecutionState.RETRYING, Delivery.connection.in_(names), *lives)
        .where(or_(Delivery.status.in_(_NOT_CONFIRMED), Delivery.status == DeliveryState.PENDING))
    )
    found: dict[str, set[str]] = {}
    for query in (held, retried):
        for name, schedule_id in await session.execute(query.distinct().limit(ledger.MOST)):
            found.setdefault(name, set()).add(schedule_id)
    return found
