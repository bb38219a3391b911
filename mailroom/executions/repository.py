"""Read executions from the database; `lifecycle` makes them and changes their state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NoReturn

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.access.permissions import Action
from mailroom.access.reach import schedule_ids
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.locks import hold
from mailroom.storage.tables import Execution, Schedule


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the executions that the viewer may see: those of the schedules that the viewer sees."""
    return true() if viewer.sees_all else Execution.schedule_id.in_(schedule_ids(viewer))


async def get(session: AsyncSession, execution_id: str, *, lock: bool = False) -> Execution:
    """Return the execution, for Mailroom's own work; see `visible` for users.

    Raises:
        NotFound: there is none of that id.
    """
    found = await (hold(session, Execution, execution_id) if lock else session.get(Execution, execution_id))
    return found or _not_found(execution_id)


async def visible(
    session: AsyncSession, execution_id: str, *, viewer: Viewer, doing: Action = Action.EXECUTION_READ
) -> Execution:
    """Return the execution if the viewer may see it, and do this with it.

    Raises:
        NotFound: there is none of that id, for this viewer.
        Forbidden: the viewer may see it and not do this.
    """
    query = (
        select(Execution, Schedule.user_id)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(Execution.id == execution_id, visible_to(viewer))
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        _not_found(execution_id)
    viewer.require(doing, viewer.relation_to(found[1]))
    execution: Execution = found[0]
    return execution


async def by_ids(session: AsyncSession, ids: Collection[str], *, viewer: Viewer) -> dict[str, Execution]:
    """Return those of these executions that the viewer may see, by id."""
    rows = await session.scalars(select(Execution).where(Execution.id.in_(ids), visible_to(viewer)))
    return {row.id: row for row in rows}


def _not_found(execution_id: str) -> NoReturn:
    raise NotFound(
        f"There is no execution {execution_id[:60]}.",
        remedy="GET /api/v1/schedules/executions lists them.",
        code="no_execution",
    )


async def of_flow_run(session: AsyncSession, flow_run_id: str) -> Execution | None:
    """Return the execution that a flow run works on, if it has claimed one."""
    query = select(Execution).where(Execution.flow_run_id == flow_run_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).first()


async def id_of_flow_run(session: AsyncSession, flow_run_id: str) -> str | None:
    """Return the id of the execution that a flow run works on, without a lock; None where it has claimed none."""
    return (await session.scalars(select(Execution.id).where(Execution.flow_run_id == flow_run_id))).first()


def without_run() -> ColumnElement[bool]:
    """Return the condition of executions that are to go on and have no flow run.

    Of a backfill, an occurrence has its turn when the earlier ones are done or wait for a retry.
    """
    earlier = aliased(Execution)
    before = exists().where(
        earlier.schedule_id == Execution.schedule_id,
        earlier.kind == ExecutionKind.BACKFILL,
        earlier.due_at < Execution.due_at,
        earlier.status.in_([ExecutionState.PENDING, ExecutionState.RUNNING]),
    )
    return and_(
        Execution.status.in_([ExecutionState.PENDING, ExecutionState.RETRYING]),
        Execution.flow_run_id.is_(None),
        or_(Execution.kind != ExecutionKind.BACKFILL, ~before),
    )


async def unsubmitted(
    session: AsyncSession, *, schedule_id: str | None = None, limit: int = 100
) -> Sequence[Execution]:
    """Return executions that are to go on and have no flow run, oldest first; of one schedule or of all."""
    query = select(Execution).where(without_run())
    if schedule_id:
        query = query.where(Execution.schedule_id == schedule_id)
    return (await session.scalars(query.order_by(Execution.created_at, Execution.due_at).limit(limit))).all()


async def set_flow_run(session: AsyncSession, execution_id: str, flow_run_id: str) -> None:
    """Remember the flow run of a requested execution, unless the run has already done so itself."""
    await session.execute(
        update(Execution)
        .where(Execution.id == execution_id, Execution.flow_run_id.is_(None))
        .values(flow_run_id=flow_run_id)
    )


async def set_lease(session: AsyncSession, execution_id: str, pass_number: int, until: datetime | None) -> bool:
    """Say until when the process of a pass is sure to live; None gives the lease back.

    Return whether the execution still belongs to this pass; where it does not, nothing is written.
    """
    mine = (Execution.id == execution_id, Execution.pass_count == pass_number)
    written = await session.execute(update(Execution).where(*mine).values(lease_until=until).returning(Execution.id))
    return written.scalar_one_or_none() is not None


async def latest_of(session: AsyncSession, schedule_ids: Sequence[str]) -> dict[str, Execution]:
    """Return the last execution begun of each schedule, with one query."""
    newest = (
        select(Execution.schedule_id, func.max(Execution.due_at).label("due_at"))
        .where(Execution.schedule_id.in_(schedule_ids), Execution.status != ExecutionState.PENDING)
        .group_by(Execution.schedule_id)
        .subquery()
    )
    query = select(Execution).join(
        newest, and_(Execution.schedule_id == newest.c.schedule_id, Execution.due_at == newest.c.due_at)
    )
    return {row.schedule_id: row for row in await session.scalars(query.order_by(Execution.created_at))}
