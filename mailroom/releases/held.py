"""Executions that wait for a stop to be lifted: which of them may go on, and the note that they were woken.

`held_by` is set with the state in which they wait, in one transaction of `lifecycle`. Who looks here needs no signal: a
stop that was lifted shows in the rows, so nothing that waits is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Update, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.connections.breaker import repository as breakers
from mailroom.connections.breaker.decide import room
from mailroom.connections.breaker.repository import breaker_of
from mailroom.executions.again import UNFINISHED_ENDS
from mailroom.states import ExecutionState
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Execution


def waits() -> ColumnElement[bool]:
    """Return the condition of executions that wait for something: they are pending, retrying, or asked for again."""
    asked = and_(
        Execution.status.in_(UNFINISHED_ENDS),
        Execution.retry_requested_at.is_not(None),
        or_(Execution.completed_at.is_(None), Execution.completed_at <= Execution.retry_requested_at),
    )
    return or_(Execution.status.in_([ExecutionState.PENDING, ExecutionState.RETRYING]), asked)


async def released(
    session: AsyncSession, *, now: datetime, limit: int, beyond: tuple[datetime, str] | None = None
) -> Sequence[Execution]:
    """Return executions whose stop was lifted and whose run would come back later only, by due time.

    Args:
        beyond: due time and id of the last one of the page before.
    """
    query = (
        select(Execution)
        .join(Stop, Stop.id == Execution.held_by)
        .where(Stop.resumed_at.is_not(None), Execution.next_pass_at > now, waits())
    )
    if beyond:
        due_at, row_id = beyond
        query = query.where(or_(Execution.due_at > due_at, and_(Execution.due_at == due_at, Execution.id > row_id)))
    return (await session.scalars(query.order_by(Execution.due_at, Execution.id).limit(limit))).all()


async def to_try(session: AsyncSession, *, now: datetime) -> Sequence[Execution]:
    """Return executions to wake so that they try connections whose breaker is open: those that have tried least, and of
    these the ones that were due first.

    They are as few as may try at this moment, so that the others sleep on until it is known that the connection works.
    """
    found: list[Execution] = []
    for row in await breakers.not_closed(session):
        free = room(breaker_of(row), now=now)
        if free < 1 or row.stop_id is None:
            continue
        held = (Execution.held_by == row.stop_id, Execution.next_pass_at > now, waits())
        order = (Execution.pass_count, Execution.due_at, Execution.id)
        found += (await session.scalars(select(Execution).where(*held).order_by(*order).limit(free))).all()
    return found


async def woken(session: AsyncSession, execution: Execution, *, now: datetime) -> None:
    """Note that the run of an execution comes back now, unless its pass has begun or it is held by another stop."""
    await session.execute(_as_seen(execution).values(next_pass_at=now))


async def without_run(session: AsyncSession, execution: Execution, *, now: datetime) -> None:
    """Let an execution whose run is gone get another one, and be handed over as if it had never had one."""
    ended = execution.status in UNFINISHED_ENDS
    values = {"next_pass_at": None} if ended else {"next_pass_at": now, "flow_run_id": None}
    await session.execute(_as_seen(execution).values(**values))


def _as_seen(execution: Execution) -> Update:
    """Return an update of an execution that still waits as it was read."""
    return update(Execution).where(
        Execution.id == execution.id,
        Execution.held_by == execution.held_by,
        Execution.next_pass_at == execution.next_pass_at,
        Execution.status == execution.status,
    )
