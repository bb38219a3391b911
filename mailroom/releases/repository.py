"""Read what waits while something is stopped, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.again import UNFINISHED_ENDS
from mailroom.releases.held import waits
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.stops.spec import StopScope
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Delivery, Execution, Schedule

Position = tuple[datetime, str]


async def waiting(
    session: AsyncSession, lifted: Sequence[Stop], *, now: datetime, beyond: Position | None, limit: int
) -> Sequence[tuple[Execution, Schedule]]:
    """Return executions that wait and that one of these stops may hold, with their schedules, by due time.

    Those of a connection are found by what held them: only then it is known that something of them goes through it.
    """
    due = and_(waits(), or_(Execution.due_at <= now, Execution.held_by.is_not(None)))
    query = (
        select(Execution, Schedule)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(due, or_(*(_may_hold(stop) for stop in lifted)))
    )
    if beyond:
        query = query.where(_after(beyond))
    rows = await session.execute(query.order_by(Execution.due_at, Execution.id).limit(limit))
    return [(row[0], row[1]) for row in rows]


def _may_hold(stop: Stop) -> ColumnElement[bool]:
    open_ = Execution.status.in_([ExecutionState.PENDING, ExecutionState.RETRYING])
    match StopScope(stop.scope):
        case StopScope.ALL:
            return or_(Execution.held_by == stop.id, open_)
        case StopScope.REPORT:
            return or_(Execution.held_by == stop.id, and_(open_, Schedule.report_id == stop.target))
        case StopScope.SCHEDULE:
            return or_(Execution.held_by == stop.id, and_(open_, Schedule.id == stop.target))
        case StopScope.CONNECTION:
            return Execution.held_by == stop.id


async def undelivered(session: AsyncSession, execution_ids: Sequence[str]) -> dict[str, list[Delivery]]:
    """Return the planned deliveries of each execution that are not confirmed; none of one that planned none."""
    query = select(Delivery).where(Delivery.execution_id.in_(execution_ids), Delivery.status != DeliveryState.DELIVERED)
    found: dict[str, list[Delivery]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.execution_id, []).append(row)
    return found


async def behind(
    session: AsyncSession, *, until: datetime, beyond: str, limit: int, lock: bool = False
) -> Sequence[Schedule]:
    """Return active schedules that are not accounted for until then, by id."""
    query = select(Schedule).where(
        Schedule.state == ScheduleState.ACTIVE,
        Schedule.id > beyond,
        Schedule.accounted_until < until,
        Schedule.next_run <= until,
    )
    query = query.with_for_update() if lock else query
    return (await session.scalars(query.order_by(Schedule.id).limit(limit))).all()


async def known_before(
    session: AsyncSession, *, until: datetime, beyond: Position | None, limit: int
) -> Sequence[Execution]:
    """Return executions that are open, or asked for again, and were so or due at this time, by due time."""
    open_ = Execution.status.in_([ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING])
    by_then = or_(Execution.kind == ExecutionKind.SCHEDULED, Execution.created_at <= until)
    asked = and_(Execution.status.in_(UNFINISHED_ENDS), Execution.retry_requested_at <= until, waits())
    query = select(Execution).where(or_(and_(open_, by_then, Execution.due_at <= until), asked))
    if beyond:
        query = query.where(_after(beyond))
    return (await session.scalars(query.order_by(Execution.due_at, Execution.id).limit(limit))).all()


def _after(beyond: Position) -> ColumnElement[bool]:
    due_at, row_id = beyond
    return or_(Execution.due_at > due_at, and_(Execution.due_at == due_at, Execution.id > row_id))
