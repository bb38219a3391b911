"""End an execution whose first pass was let in, and that waited for a stop until it had expired."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import delivery_lifecycle, lifecycle
from mailroom.executions.reasons import Reason, reason_of
from mailroom.passes.conclude import conclude
from mailroom.passes.outcome import Outcome
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Execution


async def end_held(session: AsyncSession, execution: Execution, reason: Reason, *, now: datetime) -> Outcome:
    """Give up what has not left; a person may ask for it again. Another try that was asked for is given up as well."""
    if execution.status.ended:
        lifecycle.drop_request(execution)
        return Outcome(execution.status, reason_of(execution))
    await delivery_lifecycle.give_up(session, execution.id, reason)
    deliveries = await delivery_repository.deliveries_of(session, [execution.id])
    some = any(delivery.status is DeliveryState.DELIVERED for delivery in deliveries)
    outcome = Outcome(ExecutionState.PARTIAL if some else ExecutionState.FAILED, reason)
    lifecycle.begin_pass(execution, now=now, lease_until=now)  # A retry ends by way of a pass, and this is one.
    return await conclude(session, execution.id, outcome, pass_number=execution.pass_count, now=now)
