"""Tell what is usual for the runs of a schedule, beside which one that is under way can be judged."""

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
