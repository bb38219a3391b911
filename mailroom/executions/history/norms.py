"""Say how late an execution was and how long it took, and what is usual for those of its schedule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.executions.repository import visible_to
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution

RECENT = 20
"""So many runs say what is usual."""
FEWEST = 3
"""Of fewer runs nobody can say what is usual."""


async def usual_length(
    session: AsyncSession, schedule_id: str, *, viewer: Viewer, tests: bool = False
) -> timedelta | None:
    """Return how long the latest runs of a schedule that were delivered took, as their median; None for too few.

    Args:
        tests: ask for tests, which go to one person, instead of what goes to everybody.
    """
    kind = Execution.kind == ExecutionKind.TEST if tests else Execution.kind != ExecutionKind.TEST
    query = select(Execution.started_at, Execution.completed_at).where(
        visible_to(viewer),
        Execution.schedule_id == schedule_id,
        Execution.status == ExecutionState.SUCCESS,
        kind,
        Execution.started_at.is_not(None),
    )
    rows = await session.execute(query.order_by(Execution.due_at.desc(), Execution.id.desc()).limit(RECENT))
    return median_length([(row[0], row[1]) for row in rows if row[1] is not None])


def median_length(times: Sequence[tuple[datetime, datetime]]) -> timedelta | None:
    """Return the median of the lengths of times (begun, ended); None for too few. Pure."""
    if len(times) < FEWEST:
        return None
    return timedelta(seconds=median((ended - begun).total_seconds() for begun, ended in times))


_WITHOUT_DUE = (ExecutionKind.BACKFILL, ExecutionKind.CORRECTION)
"""Nobody waited for these at the time that they are about."""
_CAME_TO_SENDING = (ExecutionState.SUCCESS, ExecutionState.PARTIAL, ExecutionState.FAILED)


def lateness(execution: Execution, last_delivered_at: datetime | None) -> float | None:
    """Return the seconds from the due time until the last delivery, or until the end without one. Pure.

    None while it goes on, and where nothing was to be delivered then.
    """
    if execution.status not in _CAME_TO_SENDING or execution.kind in _WITHOUT_DUE:
        return None
    until = last_delivered_at or execution.completed_at
    return None if until is None else max(0.0, (until - execution.due_at).total_seconds())


def took(execution: Execution) -> float | None:
    """Return the seconds from the begin of the first pass until the end; None for what did not work, or still does.

    Pure. What a closed gate ended has begun and ended at the same moment, and did not work.
    """
    begun, ended = execution.started_at, execution.completed_at
    if not execution.status.ended or begun is None or ended is None or execution.pass_count == 0:
        return None
    return max(0.0, (ended - begun).total_seconds())
