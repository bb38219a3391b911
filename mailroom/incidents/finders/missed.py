"""Find schedules of which a due time was missed.

It is over when a later run delivers, when a person acknowledges it, when the schedule is paused or deleted, or after
`FORGOTTEN_AFTER`: what was missed cannot be repaired, and a yearly schedule must not stay wrong for a year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.finders import ledger
from mailroom.incidents.spec import IncidentKind, Trouble
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Execution, Schedule

KINDS = frozenset({IncidentKind.OCCURRENCE_MISSED})
_KIND = IncidentKind.OCCURRENCE_MISSED
FORGOTTEN_AFTER = timedelta(days=7)
_COUNTED = (ExecutionState.SUCCESS, ExecutionState.PARTIAL, ExecutionState.MISSED)


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
    """Return each schedule whose latest run that was delivered or missed was missed."""
    ids = await ledger.to_look_at(session, _KIND, (ExecutionState.MISSED,))
    if not ids:
        return []
    acknowledged = (
        select(func.max(Incident.acknowledged_at))
        .where(Incident.kind == _KIND, Incident.subject == Schedule.id)
        .correlate(Schedule)
        .scalar_subquery()
    )
    query = (
        select(Schedule.id, Schedule.name, Schedule.user_id, Execution)
        .join(Execution, Execution.id == ledger.latest(_COUNTED))
        .where(Schedule.id.in_(ids))
        .where(Execution.status == ExecutionState.MISSED, Execution.due_at > now - FORGOTTEN_AFTER)
        # What became known after somebody took note is new; a missed run is completed when it is found to be missed.
        .where(or_(acknowledged.is_(None), func.coalesce(Execution.completed_at, Execution.created_at) > acknowledged))
        .order_by(ledger.first_open(_KIND).desc(), Schedule.last_due_at.desc(), Schedule.id)
    )
    rows = (await session.execute(query.limit(ledger.MOST))).all()
    return [
        Trouble(
            _KIND,
            schedule_id,
            values={
                "schedule": name,
                "execution_id": execution.id,
                "due_at": execution.due_at.isoformat(),
                "reason_code": execution.reason_code,
                "why": ledger.why(execution),
            },
            owner_id=owner_id,
        )
        for schedule_id, name, owner_id, execution in rows
    ]
