"""Read what the gate looks at from the database."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as user_repository
from mailroom.access.ownership import bar_of
from mailroom.executions import overlap
from mailroom.executions.policy import CATCH_UP_MOST
from mailroom.passes.claim import Claimed
from mailroom.passes.gate import Situation, Unfinished, start_of
from mailroom.states import ExecutionKind
from mailroom.storage.tables import Execution
from mailroom.timing import BusinessCalendar, occurrences
from mailroom.timing.model import Immediate


async def read_situation(
    session: AsyncSession, claimed: Claimed, business: BusinessCalendar, *, now: datetime
) -> Situation:
    """Read the situation of an execution that this transaction has claimed.

    The claim has locked the schedule, so nothing of the schedule can begin or begin to wait meanwhile.
    """
    execution, schedule, spec = claimed.execution, claimed.schedule, claimed.spec
    owner = await user_repository.find(session, schedule.user_id)
    scheduled = execution.kind is ExecutionKind.SCHEDULED and not claimed.again
    others = await overlap.unfinished(session, schedule.id, besides=execution.id) if scheduled else []
    at_once = not scheduled or isinstance(spec.timing, Immediate)
    newer = occurrences(spec.timing, execution.due_at, business, until=now) if scheduled else iter(())
    return Situation(
        kind=execution.kind,
        later_pass=claimed.again,
        schedule_state=schedule.state,
        owner_active=bar_of(owner) is None,
        due_at=execution.due_at,
        starts_at=execution.due_at if at_once else start_of(schedule.id, execution.due_at, spec.policy.jitter),
        now=now,
        policy=spec.policy,
        newer=list(islice(newer, CATCH_UP_MOST + 1)),
        others=[_other(row) for row in others],
        waited=execution.waits_for is not None,
    )


def _other(row: Execution) -> Unfinished:
    return Unfinished(row.id, row.due_at, waits=row.waits_for is not None, next_pass_at=row.next_pass_at)
