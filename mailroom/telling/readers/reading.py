"""Read the runs whose readers may have to be told: late ones, and those that have failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.model.upkeep.tellings import Telling
from mailroom.storage.tables import Delivery, Execution, Report, Schedule, User
from mailroom.telling.readers.decide import FAILED, OPEN, Known
from mailroom.telling.sending.allowed import reached
from mailroom.telling.spec import TellingKind

TOLD_WITHIN = timedelta(hours=24)
"""Nobody is told of a run that has been late, or has failed, for longer: it is old news."""
_LONGEST = timedelta(days=8)
"""No run goes on for longer after its due time: schedules expire after seven days at most."""
BATCH = 200


@dataclass(frozen=True, slots=True)
class Awaited:
    """A run that has not come, with its schedule, its owner, its report and the deliveries that are planned."""

    execution: Execution
    schedule: Schedule
    owner: User
    report_title: str
    deliveries: tuple[Delivery, ...] = ()

    def known(self) -> list[Known]:
        """Return what is known of the deliveries that reach people."""
        found = [Known(frozenset(reached(row)), row.status, row.id) for row in self.deliveries]
        return [one for one in found if one.addresses]


async def awaited(
    session: AsyncSession, *, now: datetime, late_after: timedelta, beyond: tuple[datetime, str] | None = None
) -> list[Awaited]:
    """Return runs that nobody was told of yet and whose schedules may want it, a batch at a time.

    Of runs that were missed only the last one counts: after an outage nobody wants a mail for each. Samples are left
    out, and so is what a person asked for.

    Args:
        beyond: the due time and the id of the last run of the batch before.
    """
    policy = Schedule.policy_config["policy"]["notify_recipients"].as_string()
    open_late = and_(
        Execution.status.in_(OPEN), Execution.due_at <= now - late_after, Execution.due_at > now - TOLD_WITHIN
    )
    failed = and_(
        Execution.status.in_(FAILED), Execution.due_at > now - _LONGEST, Execution.completed_at > now - TOLD_WITHIN
    )
    is_last = or_(
        Execution.status != ExecutionState.MISSED,
        Schedule.last_due_at.is_(None),
        Execution.due_at >= Schedule.last_due_at,
    )
    told = exists().where(Telling.execution_id == Execution.id, Telling.kind == TellingKind.READER_NOTICE)
    query = (
        select(Execution, Schedule, User, Report.title)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(Report, Report.id == Schedule.report_id)
        .join(User, User.id == Schedule.user_id)
        .where(
            or_(and_(open_late, policy == "late"), and_(failed, policy.in_(("late", "failed")))),
            *(Execution.kind == ExecutionKind.SCHEDULED, Schedule.is_sample.is_(False), is_last, ~told),
            Schedule.state.not_in((ScheduleState.PAUSED, ScheduleState.DELETED)),
        )
        .order_by(Execution.due_at, Execution.id)
        .limit(BATCH)
    )
    if beyond is not None:
        query = query.where(tuple_(Execution.due_at, Execution.id) > beyond)
    rows = (await session.execute(query)).all()
    planned = await _planned(session, [row[0].id for row in rows])
    return [Awaited(run, schedule, owner, title, tuple(planned[run.id])) for run, schedule, owner, title in rows]


async def _planned(session: AsyncSession, execution_ids: Sequence[str]) -> dict[str, list[Delivery]]:
    found: defaultdict[str, list[Delivery]] = defaultdict(list)
    query = select(Delivery).where(Delivery.execution_id.in_(execution_ids))
    for row in await session.scalars(query.order_by(Delivery.position, Delivery.id)):
        found[row.execution_id].append(row)
    return found
