"""Another try of an execution that has ended, because a person asked for it.

The request is a mark on the execution, `retry_requested_at`; its state stays as it is until the next pass begins. A
reconciler lets the flow run run again as soon as Prefect answers, and notes that by `next_pass_at`. The pass then does
only what was not confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Conflict
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import reason_of
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Delivery, Execution

UNFINISHED_ENDS = (ExecutionState.PARTIAL, ExecutionState.FAILED, ExecutionState.CANCELLED)
"""The ends after which something may be undelivered."""


def is_asked_for(execution: Execution) -> bool:
    """Tell whether a person asked for another try that has not begun yet. Pure."""
    asked, ended = execution.retry_requested_at, execution.completed_at
    return asked is not None and execution.status in UNFINISHED_ENDS and (ended is None or ended <= asked)


def undelivered(execution: Execution, deliveries: Sequence[Delivery]) -> int:
    """Count what another try has to deliver. Pure.

    Raises:
        Conflict: the execution has not ended, or nothing is undelivered.
    """
    if not execution.status.ended:
        message = f"The execution is {execution.status} and has not ended yet."
        raise Conflict(message, remedy="Wait until the execution has ended.")
    if execution.status is ExecutionState.SUCCESS:
        raise Conflict("Everything was delivered.", remedy="To deliver the report again, run the schedule now.")
    if execution.status not in UNFINISHED_ENDS:
        message = (
            f"The execution was {execution.status}. {words(reason_of(execution))} There is nothing to deliver again."
        )
        raise Conflict(message, remedy="Run the schedule now, or backfill this due time.")
    if execution.superseded_by:
        message = f"A later execution, {execution.superseded_by}, replaced this one."
        raise Conflict(message, remedy="Retry that execution, or run the schedule now.")
    left = sum(delivery.status is not DeliveryState.DELIVERED for delivery in deliveries)
    if deliveries and not left:
        raise Conflict("Everything was delivered.", remedy="To deliver the report again, run the schedule now.")
    return left


def ask(execution: Execution, *, now: datetime) -> None:
    """Mark that a person asks for another try; asking again looks again whether Prefect has it."""
    execution.retry_requested_at, execution.next_pass_at = now, None


def retry_key(execution: Execution) -> str:
    """Return the idempotency key of the flow run that a retry needs where the execution's own is gone."""
    assert execution.retry_requested_at is not None, "only asked for retries are handed over"
    return f"{execution.id}:retry:{execution.retry_requested_at.isoformat()}"


def not_handed_over() -> ColumnElement[bool]:
    """Return the condition of executions whose retry Prefect does not know of yet."""
    return and_(
        Execution.retry_requested_at.is_not(None),
        Execution.status.in_(UNFINISHED_ENDS),
        or_(Execution.completed_at.is_(None), Execution.completed_at <= Execution.retry_requested_at),
        Execution.next_pass_at.is_(None),
    )


async def wanted(session: AsyncSession, *, schedule_id: str | None = None, limit: int = 100) -> Sequence[Execution]:
    """Return executions whose retry Prefect does not know of yet, the longest waiting first."""
    query = select(Execution).where(not_handed_over())
    if schedule_id:
        query = query.where(Execution.schedule_id == schedule_id)
    return (await session.scalars(query.order_by(Execution.retry_requested_at).limit(limit))).all()


async def set_run(session: AsyncSession, execution: Execution, flow_run_id: str) -> None:
    """Remember the flow run that replaces one that is gone, unless somebody else has found another."""
    same = Execution.flow_run_id.is_not_distinct_from(execution.flow_run_id)
    await session.execute(update(Execution).where(Execution.id == execution.id, same).values(flow_run_id=flow_run_id))


async def handed_over(session: AsyncSession, execution_id: str, *, now: datetime) -> None:
    """Note that Prefect knows of the retry, unless its pass has begun already."""
    await session.execute(
        update(Execution)
        .where(Execution.id == execution_id, Execution.status.in_(UNFINISHED_ENDS))
        .values(next_pass_at=now)
    )
