"""Executions, their deliveries and attempts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.inserting import insert_into
from mailroom.storage.locks import hold
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import Attempt, Delivery, Execution, Schedule


def visible_to(_viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the executions that the viewer may see: all of them, as long as there is one owner."""
    return true()


async def get(session: AsyncSession, execution_id: str, *, lock: bool = False) -> Execution:
    """Return the execution, for Mailroom's own work; see `visible` for users.

    Raises:
        NotFound: there is none of that id.
    """
    if lock:
        await hold(session, Execution, execution_id)
    found = await session.get(Execution, execution_id, populate_existing=lock)
    return found or _not_found(execution_id)


async def visible(session: AsyncSession, execution_id: str, *, viewer: Viewer) -> Execution:
    """Return the execution if the viewer may see it.

    Raises:
        NotFound: there is none of that id, for this viewer.
    """
    query = select(Execution).where(Execution.id == execution_id, visible_to(viewer))
    return (await session.scalars(query)).one_or_none() or _not_found(execution_id)


def _not_found(execution_id: str) -> NoReturn:
    raise NotFound(f"There is no execution {execution_id[:60]}.", remedy="GET /api/v1/schedules/executions lists them.")


async def insert_occurrence(
    session: AsyncSession, schedule_id: str, due_at: datetime, *, flow_run_id: str | None, now: datetime
) -> Execution:
    """Insert the occurrence or find the one that is there; the database's unique index decides who was first."""
    values = {
        "id": new_id(),
        "schedule_id": schedule_id,
        "kind": ExecutionKind.SCHEDULED,
        "due_at": due_at,
        "status": ExecutionState.PENDING,
        "reason": "",
        "pass_count": 0,
        "render_failures": 0,
        "flow_run_id": flow_run_id,
        "created_at": now,
    }
    await session.execute(insert_into(session, Execution).values(**values).on_conflict_do_nothing())
    query = select(Execution).where(
        Execution.schedule_id == schedule_id,
        Execution.due_at == due_at,
        Execution.kind == ExecutionKind.SCHEDULED,
    )
    return (await session.scalars(query.with_for_update())).one()


async def of_flow_run(session: AsyncSession, flow_run_id: str) -> Execution | None:
    """The execution that a flow run works on, if it has claimed one."""
    query = select(Execution).where(Execution.flow_run_id == flow_run_id).with_for_update()
    return (await session.scalars(query)).first()


async def unsubmitted(
    session: AsyncSession, *, schedule_id: str | None = None, limit: int = 100
) -> Sequence[Execution]:
    """Executions that are to go on and have no flow run, oldest first; of one schedule or of all.

    Of a backfill, an occurrence has its turn when the earlier ones are done or wait for a retry.
    """
    earlier = aliased(Execution)
    before = exists().where(
        earlier.schedule_id == Execution.schedule_id,
        earlier.kind == ExecutionKind.BACKFILL,
        earlier.due_at < Execution.due_at,
        earlier.status.in_([ExecutionState.PENDING, ExecutionState.RUNNING]),
    )
    query = select(Execution).where(
        Execution.status.in_([ExecutionState.PENDING, ExecutionState.RETRYING]),
        Execution.flow_run_id.is_(None),
        or_(Execution.kind != ExecutionKind.BACKFILL, ~before),
    )
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


async def set_lease(session: AsyncSession, execution_id: str, until: datetime | None) -> None:
    """Say until when the execution's process is sure to live; None gives it back."""
    await session.execute(update(Execution).where(Execution.id == execution_id).values(lease_until=until))


async def list_page(
    session: AsyncSession,
    *,
    viewer: Viewer,
    cursor: str | None = None,
    limit: int = 50,
    schedule_id: str | None = None,
    user_id: str | None = None,
    status: ExecutionState | None = None,
    kind: ExecutionKind | None = None,
    due_from: datetime | None = None,
    due_to: datetime | None = None,
    descending: bool = True,
) -> Page[Execution]:
    """Executions by due time, newest first unless told otherwise."""
    query = select(Execution).where(visible_to(viewer))
    if schedule_id:
        query = query.where(Execution.schedule_id == schedule_id)
    if user_id:
        query = query.join(Schedule, Schedule.id == Execution.schedule_id).where(Schedule.user_id == user_id)
    if status:
        query = query.where(Execution.status == status)
    if kind:
        query = query.where(Execution.kind == kind)
    if due_from:
        query = query.where(Execution.due_at >= due_from)
    if due_to:
        query = query.where(Execution.due_at < due_to)
    return await page(session, query, Execution.due_at, Execution.id, cursor=cursor, limit=limit, descending=descending)


async def latest_of(session: AsyncSession, schedule_ids: Sequence[str]) -> dict[str, Execution]:
    """The last execution begun of each schedule, in one query."""
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


async def deliveries_of(session: AsyncSession, execution_ids: Sequence[str]) -> Sequence[Delivery]:
    """The deliveries of some executions, in the order of their destinations."""
    query = select(Delivery).where(Delivery.execution_id.in_(execution_ids))
    return (await session.scalars(query.order_by(Delivery.execution_id, Delivery.position, Delivery.recipient))).all()


async def attempts_of(session: AsyncSession, execution_id: str) -> Sequence[Attempt]:
    """Every attempt of an execution's deliveries, oldest first."""
    query = select(Attempt).join(Delivery, Delivery.id == Attempt.delivery_id)
    return (
        await session.scalars(query.where(Delivery.execution_id == execution_id).order_by(Attempt.started_at))
    ).all()


async def begin_attempt(
    session: AsyncSession, delivery: Delivery, *, now: datetime, flow_run_id: str | None
) -> Attempt | None:
    """Take the delivery for one attempt, or None where another pass took it or it must not be sent any more.

    A row left `sending` by an earlier, dead pass is first made `unknown` by `abandon_attempts`.
    """
    taken = await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.attempts == delivery.attempts,
            Delivery.status.in_(
                [DeliveryState.PENDING, DeliveryState.UNKNOWN, DeliveryState.FAILED, DeliveryState.REFUSED]
            ),
        )
        .values(status=DeliveryState.SENDING, attempts=Delivery.attempts + 1, next_attempt_at=None)
        .returning(Delivery.attempts)
    )
    number = taken.scalar_one_or_none()
    if number is None:
        return None
    attempt = Attempt(delivery_id=delivery.id, number=number, flow_run_id=flow_run_id, started_at=now)
    session.add(attempt)
    await session.flush()
    return attempt


async def end_attempt(
    session: AsyncSession,
    attempt: Attempt,
    *,
    now: datetime,
    outcome: DeliveryState,
    receipt: dict[str, object] | None = None,
    error_message: str | None = None,
    next_attempt_at: datetime | None = None,
) -> None:
    """Record how an attempt ended, on the attempt and on its delivery."""
    await session.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id)
        .values(ended_at=now, outcome=outcome, error_message=error_message)
    )
    delivered = {"delivered_at": now, "receipt": receipt} if outcome is DeliveryState.DELIVERED else {}
    # A receipt that comes after others gave the attempt up is still the truth, unless another attempt has begun.
    open_states = [DeliveryState.SENDING] + ([DeliveryState.UNKNOWN] if delivered else [])
    await session.execute(
        update(Delivery)
        .where(
            Delivery.id == attempt.delivery_id,
            Delivery.attempts == attempt.number,
            Delivery.status.in_(open_states),
        )
        .values(status=outcome, error_message=error_message, next_attempt_at=next_attempt_at, **delivered)
    )


async def abandon_attempts(
    session: AsyncSession,
    execution_id: str,
    *,
    now: datetime,
    message: str = "The process ended during this attempt; the far side may have it.",
) -> int:
    """Make what a dead pass left `sending` `unknown`: it may have left. Returns how many there were."""
    sending = select(Delivery.id).where(Delivery.execution_id == execution_id, Delivery.status == DeliveryState.SENDING)
    await session.execute(
        update(Attempt)
        .where(Attempt.delivery_id.in_(sending), Attempt.ended_at.is_(None))
        .values(ended_at=now, outcome=DeliveryState.UNKNOWN, error_message=message)
    )
    changed = await session.execute(
        update(Delivery)
        .where(Delivery.execution_id == execution_id, Delivery.status == DeliveryState.SENDING)
        .values(status=DeliveryState.UNKNOWN, error_message=message)
        .returning(Delivery.id)
    )
    return len(changed.all())


async def plan_deliveries(session: AsyncSession, execution_id: str, planned: Sequence[Delivery]) -> Sequence[Delivery]:
    """Store the deliveries of an execution on its first pass; any other pass gets those that are there."""
    there = await deliveries_of(session, [execution_id])
    if there or not planned:
        return there
    names = [column.key for column in Delivery.__table__.columns]
    values = [{name: value for name in names if (value := getattr(row, name)) is not None} for row in planned]
    await session.execute(insert_into(session, Delivery).values(values).on_conflict_do_nothing())
    return await deliveries_of(session, [execution_id])


async def suppress(session: AsyncSession, delivery_id: str, reason: str) -> None:
    """Record that a delivery must not be sent; one that is confirmed or under way stays as it is."""
    await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.status.in_([DeliveryState.PENDING, DeliveryState.UNKNOWN, DeliveryState.FAILED]),
        )
        .values(status=DeliveryState.SUPPRESSED, error_message=reason, next_attempt_at=None)
    )
