"""Deliveries and attempts in the database: how they are read, and how an execution gets them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.access.viewer import Viewer
from mailroom.executions import repository as executions
from mailroom.executions.again import UNFINISHED_ENDS
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.inserting import insert_into
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import Attempt, Delivery, Execution, Json


def new_delivery(
    execution_id: str,
    position: int,
    recipient: str,
    *,
    channel: str,
    connection: str,
    destination: Json,
    now: datetime,
) -> Delivery:
    """Make a pending delivery, its key fixed. The caller stores it.

    Args:
        position: the place of its destination on the schedule.
    """
    return Delivery(
        id=new_id(),
        execution_id=execution_id,
        position=position,
        channel=channel,
        connection=connection,
        recipient=recipient,
        key=hashlib.sha256(f"{execution_id}:{position}:{recipient}".encode()).hexdigest()[:32],
        destination=destination,
        status=DeliveryState.PENDING,
        attempts=0,
        created_at=now,
    )


async def deliveries_of(session: AsyncSession, execution_ids: Sequence[str]) -> Sequence[Delivery]:
    """Return the deliveries of some executions, in the order of their destinations."""
    query = select(Delivery).where(Delivery.execution_id.in_(execution_ids))
    return (await session.scalars(query.order_by(Delivery.execution_id, Delivery.position, Delivery.recipient))).all()


def room_for(connection: str, sessions: int, *, now: datetime) -> ColumnElement[bool]:
    """Return the condition that fewer attempts than this are under way through a connection.

    One whose pass has fallen silent does not count: its process may be dead. The state stands in the statement itself,
    since a partial index is only used for words that it can see.
    """
    other = aliased(Delivery)
    sending = bindparam("under_way", DeliveryState.SENDING, Delivery.status.type, literal_execute=True)
    under_way = (
        select(func.count())
        .select_from(other)
        .join(Execution, Execution.id == other.execution_id)
        .where(other.connection == connection, other.status == sending, Execution.lease_until > now)
    )
    return under_way.scalar_subquery() < sessions


async def has_room(session: AsyncSession, connection: str, sessions: int, *, now: datetime) -> bool:
    """Tell whether `room_for` holds."""
    return bool((await session.execute(select(room_for(connection, sessions, now=now)))).scalar_one())


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the deliveries that the viewer may see: those of the executions that the viewer sees."""
    return executions.visible_to(viewer)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """A choice of deliveries: those that match every given condition.

    Attributes:
        states: any of these; empty for all.
        person: to this mail address, which is in lower case, however it was written.
        since, until: when the delivery was planned, `since` included, `until` not.
    """

    states: Collection[DeliveryState] = ()
    recipient: str | None = None
    person: str | None = None
    connection: str | None = None
    schedule_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row has to fulfil; `Execution` is joined for it."""
        found: list[ColumnElement[bool]] = []
        if self.states:
            found.append(Delivery.status.in_(self.states))
        if self.person:
            found.append(func.lower(Delivery.recipient) == self.person)
        if self.recipient:
            found.append(Delivery.recipient == self.recipient)
        if self.connection:
            found.append(Delivery.connection == self.connection)
        if self.schedule_id:
            found.append(Execution.schedule_id == self.schedule_id)
        if self.since:
            found.append(Delivery.created_at >= self.since)
        if self.until:
            found.append(Delivery.created_at < self.until)
        return found


async def list_page(
    session: AsyncSession, *, viewer: Viewer, wanted: DeliveryFilter, cursor: str | None, limit: int
) -> Page[Delivery]:
    """Return a page of the deliveries that match, the latest planned first."""
    query = select(Delivery).join(Execution, Execution.id == Delivery.execution_id)
    query = query.where(visible_to(viewer), *wanted.conditions())
    return await page(session, query, Delivery.created_at, Delivery.id, cursor=cursor, limit=limit, descending=True)


async def ended_with(
    session: AsyncSession, *, viewer: Viewer, wanted: DeliveryFilter, cursor: str | None, limit: int
) -> Page[Execution]:
    """Return a page of executions that ended with a delivery that matches and are not asked for again, latest first."""
    answered = or_(Execution.retry_requested_at.is_(None), Execution.completed_at > Execution.retry_requested_at)
    query = select(Execution).where(
        executions.visible_to(viewer),
        Execution.status.in_(UNFINISHED_ENDS),
        answered,
        exists().where(Delivery.execution_id == Execution.id, *wanted.conditions()),
    )
    return await page(session, query, Execution.due_at, Execution.id, cursor=cursor, limit=limit, descending=True)


async def not_ended(session: AsyncSession, *, viewer: Viewer, wanted: DeliveryFilter) -> int:
    """Count the executions that go on by themselves and have a delivery that matches."""
    query = select(func.count(Execution.id)).where(
        executions.visible_to(viewer),
        Execution.status.in_([ExecutionState.RUNNING, ExecutionState.RETRYING, ExecutionState.PENDING]),
        exists().where(Delivery.execution_id == Execution.id, *wanted.conditions()),
    )
    return int((await session.execute(query)).scalar_one())


async def count_matching(
    session: AsyncSession, execution_ids: Sequence[str], *, viewer: Viewer, wanted: DeliveryFilter
) -> dict[str, int]:
    """Count the deliveries that match of each of these executions."""
    query = select(Delivery.execution_id, func.count()).join(Execution, Execution.id == Delivery.execution_id)
    query = query.where(Delivery.execution_id.in_(execution_ids), visible_to(viewer), *wanted.conditions())
    return {row[0]: int(row[1]) for row in await session.execute(query.group_by(Delivery.execution_id))}


async def attempts_of(session: AsyncSession, execution_id: str) -> Sequence[Attempt]:
    """Return every attempt of an execution's deliveries, oldest first."""
    query = select(Attempt).join(Delivery, Delivery.id == Attempt.delivery_id)
    return (
        await session.scalars(query.where(Delivery.execution_id == execution_id).order_by(Attempt.started_at))
    ).all()


async def plan_deliveries(
    session: AsyncSession, execution_id: str, planned: Sequence[Delivery], *, first: bool = False
) -> Sequence[Delivery]:
    """Store the deliveries of an execution on its first pass; any other pass gets those that are there.

    Args:
        first: whether this transaction began the first pass, so that none can be there.
    """
    there = [] if first else await deliveries_of(session, [execution_id])
    if there or not planned:
        return there
    names = [column.key for column in Delivery.__table__.columns]
    values = [{name: value for name in names if (value := getattr(row, name)) is not None} for row in planned]
    insert = insert_into(session, Delivery).values(values).on_conflict_do_nothing().returning(Delivery)
    stored = {row.id: row for row in await session.scalars(insert)}
    if len(stored) == len(planned):
        return [stored[row.id] for row in planned]
    return await deliveries_of(session, [execution_id])
