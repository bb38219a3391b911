"""Find the stop that an execution has to wait for, and end one that waited until it had expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import delivery_lifecycle, lifecycle
from mailroom.executions.reasons import Reason, reason_of
from mailroom.passes.claim import Claimed
from mailroom.passes.conclude import conclude
from mailroom.passes.outcome import Outcome, given_up
from mailroom.states import DeliveryState
from mailroom.stops.coverage import holding, of_people
from mailroom.stops.spec import StopScope
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Execution


async def stop_over(session: AsyncSession, claimed: Claimed, stops: Sequence[Stop]) -> Stop | None:
    """Return the stop, of those that stand, that keeps all of the execution from leaving.

    Those of breakers are asked for by each attempt: the files are ready then, and say what was true when it was due.
    """
    schedule, stops = claimed.schedule, of_people(stops)
    # A destination that is wrong otherwise still names its connection; the pass itself tells what is wrong.
    connections = claimed.spec.connections()
    if claimed.again and any(stop.scope == StopScope.CONNECTION for stop in stops):
        planned = await delivery_repository.deliveries_of(session, [claimed.execution.id])
        left = {row.connection for row in planned if row.status is not DeliveryState.DELIVERED}
        connections = left or connections
    return holding(stops, schedule_id=schedule.id, report_id=schedule.report_id, connections=connections)


async def end_held(session: AsyncSession, execution: Execution, reason: Reason, *, now: datetime) -> Outcome:
    """Give up what has not left; a person may ask for it again. Another try that was asked for is given up as well."""
    if execution.status.ended:
        lifecycle.drop_request(execution)
        return Outcome(execution.status, reason_of(execution))
    await delivery_lifecycle.give_up(session, execution.id, reason)
    deliveries = await delivery_repository.deliveries_of(session, [execution.id])
    outcome = given_up(deliveries, reason)
    lifecycle.begin_pass(execution, now=now, lease_until=now)  # A retry ends by way of a pass, and this is one.
    return await conclude(session, execution.id, outcome, pass_number=execution.pass_count, now=now)
