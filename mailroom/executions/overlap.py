"""Read what matters where two executions of a schedule overlap."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, and_, null, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.tables import Execution, Schedule, User

_STALE_SECONDS = 0.1
"""An answer that took longer is asked for again."""

_UNFINISHED = (ExecutionState.RUNNING, ExecutionState.RETRYING)


async def near(session: AsyncSession, schedule_id: str, *, flow_run_id: str, due_at: datetime) -> Sequence[Execution]:
    """Return what a claim has to know, by one statement and by due time: the execution of its flow run, the one of its
    due time, and whatever of the schedule is `unfinished`."""
    scheduled = and_(
        Execution.schedule_id == schedule_id,
        Execution.kind == ExecutionKind.SCHEDULED,
        or_(
            Execution.due_at == due_at,
            Execution.status.in_(_UNFINISHED),
            and_(Execution.status == ExecutionState.PENDING, Execution.waits_for.is_not(None)),
        ),
    )
    query = select(Execution).where(or_(Execution.flow_run_id == flow_run_id, scheduled))
    return (await session.scalars(query.order_by(Execution.due_at))).all()


def unfinished(executions: Sequence[Execution], *, besides: str) -> list[Execution]:
    """Choose the scheduled executions that run, wait for a retry, or wait for one that does. Pure."""
    return [
        row
        for row in executions
        if row.id != besides
        and row.kind is ExecutionKind.SCHEDULED
        and (row.status in _UNFINISHED or (row.status is ExecutionState.PENDING and row.waits_for is not None))
    ]


@dataclass(frozen=True, slots=True)
class Standing:
    """An execution as it stands, with what decides beside it whether anything may leave.

    `stop_id` stops it; `suppression` is the entry of the list that its recipient is on; `unsubscribed` is the
    recipient, where that one has unsubscribed from the schedule; `breaker_id` is the stop of a breaker that is open.
    """

    execution: Execution
    schedule_state: ScheduleState
    owner: User
    stop_id: str | None
    suppression: str | None = None
    unsubscribed: str | None = None
    breaker_id: str | None = None


async def standing(
    session: AsyncSession,
    execution_id: str,
    stop: ScalarSelect[str | None],
    suppression: ScalarSelect[str | None] | None = None,
    unsubscribed: ScalarSelect[str | None] | None = None,
    breaker: ScalarSelect[str | None] | None = None,
) -> Standing:
    """Return the execution as it stands and keep it so until the transaction ends; others may look as well.

    `stop`, `suppression`, `unsubscribed` and `breaker` are values that the same statement reads: the id of a stop that
    keeps it from leaving, the entry of the list that keeps one recipient from getting it, that recipient, the stop of
    an open breaker; or NULL.

    On SQLite there is no such lock. There, whoever ends an execution also suppresses its deliveries in one write.
    """
    query = (
        select(
            Execution,
            Schedule.state,
            User,
            stop,
            null() if suppression is None else suppression,
            null() if unsubscribed is None else unsubscribed,
            null() if breaker is None else breaker,
        )
        .select_from(Execution)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(User, User.id == Schedule.user_id)
        .where(Execution.id == execution_id)
        .with_for_update(read=True, of=Execution)
        .execution_options(populate_existing=True)
    )
    asked_at = time.monotonic()
    row = (await session.execute(query)).one()
    if time.monotonic() - asked_at > _STALE_SECONDS:
        # It may have waited for the lock, and what stands beside the execution is as old as the question.
        row = (await session.execute(query)).one()
    return Standing(*row)
