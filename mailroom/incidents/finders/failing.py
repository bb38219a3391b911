"""Find schedules whose latest run did not reach everybody, and is not tried again.

Runs that a person cancelled, that the policy skipped, or that were missed do not count here; neither do tests. A
failure is over with the next success, or when a person pauses or deletes the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.finders import ledger
from mailroom.incidents.spec import IncidentKind, Trouble
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution, Schedule

KINDS = frozenset({IncidentKind.SCHEDULE_FAILING})
_KIND = IncidentKind.SCHEDULE_FAILING
BAD = (ExecutionState.FAILED, ExecutionState.PARTIAL)
_COUNTED = (ExecutionState.SUCCESS, *BAD)
_ERROR = ledger.an_error()


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
    """Return each schedule whose latest counted run failed."""
    ids = await ledger.to_look_at(session, _KIND, BAD)
    query = (
        select(
            Schedule.id, Schedule.name, Schedule.user_id, Schedule.consecutive_failures, Execution, ledger.an_error()
        )
        .join(Execution, Execution.id == ledger.latest(_COUNTED))
        .where(Schedule.id.in_(ids))
        .order_by(ledger.first_open(_KIND).desc(), Schedule.last_due_at.desc(), Schedule.id)
    )
    rows = (await session.execute(query.limit(ledger.MOST))).all()
    found = {row[0]: _trouble(row) for row in rows if row[4].status in BAD}
    return [*found.values(), *await _tried_again(session, found)]


def _trouble(row: Row[Any]) -> Trouble:
    schedule_id, name, owner_id, in_a_row, execution, error = row
    values = {
        "schedule": name,
        "execution_id": execution.id,
        "due_at": execution.due_at.isoformat(),
        "status": str(execution.status),
        "reason_code": execution.reason_code,
        "why": ledger.why(execution),
        "error": (error or "")[: ledger.LONGEST_ERROR],
        "failures": max(1, in_a_row),
    }
    return Trouble(_KIND, schedule_id, values=values, owner_id=owner_id)


async def _tried_again(session: AsyncSession, found: dict[str, Trouble]) -> list[Trouble]:
    """Return the open ones whose failed run a person lets go on: nobody knows yet whether they are over."""
    opened = await ledger.open_values(session, _KIND)
    of_run = {
        values["execution_id"]: subject
        for subject, values in opened.items()
        if subject not in found and "execution_id" in values
    }
    going_on = (ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING)
    query = (
        select(Execution.id, Schedule.user_id)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(Execution.id.in_(list(of_run)), Execution.status.in_(going_on), Schedule.state.in_(ledger.LIVES))
    )
    return [
        Trouble(_KIND, of_run[execution_id], values=opened[of_run[execution_id]], owner_id=owner_id)
        for execution_id, owner_id in await session.execute(query)
    ]
