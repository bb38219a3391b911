"""Bring together what the gate looks at."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from mailroom.access.ownership import bar_of
from mailroom.executions.policy import CATCH_UP_MOST
from mailroom.passes.claim import Claimed
from mailroom.passes.gate import Situation, Unfinished, start_of
from mailroom.passes.retry import expiry_of
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Execution, User
from mailroom.timing import BusinessCalendar, occurrences
from mailroom.timing.model import Immediate


def situation_of(
    claimed: Claimed, owner: User | None, business: BusinessCalendar, stop: Stop | None, *, now: datetime
) -> Situation:
    """Return the situation of an execution that has been claimed in this transaction. Pure.

    `stop` is the one that keeps all of it from leaving.

    The claim has locked the schedule, so nothing of the schedule can begin or begin to wait meanwhile.
    """
    execution, schedule, spec = claimed.execution, claimed.schedule, claimed.spec
    scheduled = claimed.first_of_scheduled
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
        others=[_other(row) for row in claimed.others],
        waited=execution.waits_for is not None,
        expires_at=expiry_of(execution, spec.policy.expires_after).at,
        stop=stop,
        was_held=execution.held_by is not None,
    )


def _other(row: Execution) -> Unfinished:
    return Unfinished(row.id, row.due_at, waits=row.waits_for is not None, next_pass_at=row.next_pass_at)
