"""Read what is in the ledger and which schedules need a look, and move schedules on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.access.reach import of_schedules
from mailroom.access.viewer import Viewer
from mailroom.executions import repository as executions
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.tables import Execution, Schedule

_SAMPLES = select(Schedule.id).where(Schedule.is_sample).scalar_subquery()
OPEN = (ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING)


async def overdue(
    session: AsyncSession, *, now: datetime, after_change: timedelta, grace: timedelta, beyond: str, limit: int
) -> Sequence[Schedule]:
    """Return active schedules with a due time that nothing has claimed, by id; locked ones are left out.

    Args:
        after_change: a schedule that was changed just before its time is looked at this long after it.
        grace: every other one after this long; until then the normal path has it.
        beyond: the last id of the page before.
    """
    query = (
        select(Schedule)
        .where(
            Schedule.state == ScheduleState.ACTIVE,
            Schedule.id > beyond,
            Schedule.next_run <= now - after_change,
            or_(Schedule.next_run <= now - grace, Schedule.updated_at >= now - grace - timedelta(minutes=1)),
        )
        .order_by(Schedule.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def known(session: AsyncSession, schedule_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Return what is in the ledger after each schedule's `accounted_until`, and everything pending, with one query.

    The rows are (schedule_id, id, due_at, status, flow_run_id, held_by).
    """
    columns = (
        Execution.schedule_id,
        Execution.id,
        Execution.due_at,
        Execution.status,
        Execution.flow_run_id,
        Execution.held_by,
    )
    query = (
        select(*columns)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(
            Execution.schedule_id.in_(schedule_ids),
            Execution.kind == ExecutionKind.SCHEDULED,
            or_(Execution.status == ExecutionState.PENDING, Execution.due_at > Schedule.accounted_until),
        )
    )
    return (await session.execute(query)).all()


async def advance(session: AsyncSession, moves: Sequence[tuple[str, datetime, datetime, datetime | None]]) -> None:
    """Move schedules on: (id, `accounted_until` as it was read, as it is to be, next_run). One that somebody else has
    moved or changed meanwhile stays as it is."""
    if not moves:
        return
    table = Schedule.__table__
    query = (
        update(table)  # type: ignore[arg-type]  # declared as FromClause, is a Table
        .where(
            table.c.id == bindparam("row"),
            table.c.accounted_until == bindparam("seen"),
            table.c.state == ScheduleState.ACTIVE,
        )
        .values(accounted_until=bindparam("until"), next_run=bindparam("following"))
    )
    values = [{"row": row, "seen": seen, "until": until, "following": after} for row, seen, until, after in moves]
    await (await session.connection()).execute(query, values)


def move_past(schedule: Schedule, due_at: datetime, following: datetime | None) -> None:
    """Move a schedule on past an occurrence that a run has claimed, if it was the next one. The caller has its lock."""
    if schedule.next_run == due_at and schedule.state is ScheduleState.ACTIVE:
        schedule.accounted_until, schedule.next_run = due_at, following


async def worked_on(
    session: AsyncSession, schedule_id: str, *, since: datetime, until: datetime
) -> dict[datetime, set[ExecutionState]]:
    """Return the states of scheduled occurrences and backfills by due time, from `since` to `until`, both included."""
    query = select(Execution.due_at, Execution.status).where(
        Execution.schedule_id == schedule_id,
        Execution.kind.in_([ExecutionKind.SCHEDULED, ExecutionKind.BACKFILL]),
        Execution.due_at >= since,
        Execution.due_at <= until,
    )
    found: dict[datetime, set[ExecutionState]] = {}
    for row in await session.execute(query):
        found.setdefault(row[0], set()).add(row[1])
    return found


async def has_open(session: AsyncSession, schedule_id: str, *, besides: str = "") -> bool:
    """Say whether a scheduled occurrence of the schedule has not ended."""
    query = select(
        exists().where(
            Execution.schedule_id == schedule_id,
            Execution.kind == ExecutionKind.SCHEDULED,
            Execution.status.in_(OPEN),
            Execution.id != besides,
        )
    )
    return bool((await session.execute(query)).scalar_one())


async def waiting(
    session: AsyncSession, *, before: datetime, beyond: tuple[datetime, str] | None, limit: int
) -> Sequence[Row[Any]]:
    """Return scheduled occurrences that nothing has begun, by due time.

    The rows are (id, due_at, name, user_id, schedule_id, policy_config, held_by).
    """
    columns = (
        Execution.id,
        Execution.due_at,
        Schedule.name,
        Schedule.user_id,
        Execution.schedule_id,
        Schedule.policy_config,
        Execution.held_by,
    )
    query = (
        select(*columns)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(
            Execution.status == ExecutionState.PENDING,
            Execution.kind == ExecutionKind.SCHEDULED,
            Execution.due_at < before,
        )
    )
    if beyond:
        due_at, row_id = beyond
        later = Execution.due_at > due_at
        query = query.where(or_(later, and_(Execution.due_at == due_at, Execution.id > row_id)))
    return (await session.execute(query.order_by(Execution.due_at, Execution.id).limit(limit))).all()


async def finishable(session: AsyncSession, *, limit: int) -> Sequence[Schedule]:
    """Return active schedules with nothing left to fire, all of whose occurrences have ended; each is locked."""
    unfinished = aliased(Execution)
    query = (
        select(Schedule)
        .where(
            Schedule.state == ScheduleState.ACTIVE,
            Schedule.next_run.is_(None),
            ~exists().where(
                unfinished.schedule_id == Schedule.id,
                unfinished.kind == ExecutionKind.SCHEDULED,
                unfinished.status.in_(OPEN),
            ),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def counts(
    session: AsyncSession, *, viewer: Viewer, since: datetime, until: datetime
) -> dict[ExecutionState, int]:
    """Count the scheduled occurrences due in (since, until] by state."""
    query = (
        select(Execution.status, func.count())
        .where(
            Execution.kind == ExecutionKind.SCHEDULED,
            Execution.due_at > since,
            Execution.due_at <= until,
            executions.visible_to(viewer),
            Execution.schedule_id.not_in(_SAMPLES),
        )
        .group_by(Execution.status)
    )
    return {row[0]: int(row[1]) for row in await session.execute(query)}


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the schedules whose accounts the viewer may see: those that the viewer sees."""
    return of_schedules(viewer)


async def active_page(session: AsyncSession, *, viewer: Viewer, beyond: str, limit: int) -> Sequence[Row[Any]]:
    """Return (id, name, schedule_config, created_at, updated_at) of active schedules, by id."""
    columns = (Schedule.id, Schedule.name, Schedule.schedule_config, Schedule.created_at, Schedule.updated_at)
    query = select(*columns).where(
        Schedule.state == ScheduleState.ACTIVE, Schedule.id > beyond, Schedule.is_sample.is_(False), visible_to(viewer)
    )
    return (await session.execute(query.order_by(Schedule.id).limit(limit))).all()


async def due_times(
    session: AsyncSession, schedule_ids: Sequence[str], *, since: datetime, until: datetime
) -> set[tuple[str, datetime]]:
    """Return (schedule_id, due_at) of the scheduled occurrences in (since, until] that are in the ledger."""
    query = select(Execution.schedule_id, Execution.due_at).where(
        Execution.schedule_id.in_(schedule_ids),
        Execution.kind == ExecutionKind.SCHEDULED,
        Execution.due_at > since,
        Execution.due_at <= until,
    )
    return {(row[0], row[1]) for row in await session.execute(query)}
