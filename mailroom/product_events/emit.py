"""Write events into the outbox, in the transaction of what happened.

The lifecycles call this where a state changes, so nothing that changes one has to think of it. It costs nothing where
no product is told: no statement is made then.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import object_session

from mailroom import settings
from mailroom.product_events.spec import facts_of_end, facts_of_schedule, type_of_end
from mailroom.setting_groups.product_events import ProductEventType
from mailroom.states import ExecutionState
from mailroom.storage.model.outboxes.product_events import ProductEvent
from mailroom.storage.tables import Execution, Schedule

RETRIED_FOR = timedelta(days=1)
"""An event that the product has not taken is given up after this long."""
_CHUNK = 500


def wanted() -> frozenset[ProductEventType]:
    """Return the events that the product is told of."""
    return settings.current().product_events.wanted


def tell_end(execution: Execution, schedule: Schedule, *, now: datetime) -> None:
    """Tell the product that an execution has ended, where it wants to know that."""
    told = type_of_end(execution, schedule)
    if told is None or told not in wanted():
        return
    session = object_session(schedule)
    if session is not None:
        session.add(_event(told, facts_of_end(execution, schedule, now=now), now))


def tell_suspended(schedule: Schedule, cause: str, *, now: datetime) -> None:
    """Tell the product that a schedule fires no more, where it wants to know that."""
    told = ProductEventType.SCHEDULE_SUSPENDED
    if schedule.is_sample or told not in wanted():
        return
    session = object_session(schedule)
    if session is not None:
        session.add(_event(told, facts_of_schedule(schedule, now=now, cause=cause), now))


async def tell_ends(session: AsyncSession, execution_ids: Collection[str], *, now: datetime) -> None:
    """Tell the product of executions that one statement has ended just now, those that it did end."""
    if not execution_ids or not wanted() & {ProductEventType.OCCURRENCE_MISSED, ProductEventType.REPORT_FAILED}:
        return
    ids = sorted(execution_ids)
    for start in range(0, len(ids), _CHUNK):
        query = (
            select(Execution, Schedule)
            .join(Schedule, Schedule.id == Execution.schedule_id)
            .where(
                Execution.id.in_(ids[start : start + _CHUNK]),
                Execution.status.in_((ExecutionState.MISSED, ExecutionState.FAILED)),
                Execution.completed_at == now,
            )
            .execution_options(populate_existing=True)
        )
        for execution, schedule in (await session.execute(query)).all():
            told = type_of_end(execution, schedule)
            if told is not None and told in wanted():
                session.add(_event(told, facts_of_end(execution, schedule, now=now), now))


def _event(told: ProductEventType, data: dict[str, Any], now: datetime) -> ProductEvent:
    return ProductEvent(
        type=str(told), data=data, state="pending", next_attempt_at=now, retry_until=now + RETRIED_FOR, created_at=now
    )
