"""Reports in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import NotFound
from mailroom.reports.spec import ReportDefinition
from mailroom.states import ScheduleState
from mailroom.storage.tables import Report, Schedule


async def find(session: AsyncSession, report_id: str) -> Report | None:
    """Return the active report of that id, or None."""
    found = await session.get(Report, report_id)
    return found if found and found.is_active else None


async def get(session: AsyncSession, report_id: str) -> Report:
    """Return the active report.

    Raises:
        NotFound: there is none of that id.
    """
    found = await find(session, report_id)
    if found is None:
        raise NotFound(f"There is no report '{report_id[:80]}'.", remedy="GET /api/v1/reports lists them.")
    return found


async def every(session: AsyncSession) -> Sequence[Report]:
    """Return every active report by title."""
    return (await session.scalars(select(Report).where(Report.is_active).order_by(Report.title))).all()


async def save(session: AsyncSession, definition: ReportDefinition, *, now: datetime) -> tuple[Report, str]:
    """Insert or update a report; returns it with `created`, `updated` or `unchanged`."""
    data, version = definition.model_dump(mode="json"), definition.version
    row = await session.get(Report, definition.id)
    if row is None:
        row = Report(id=definition.id, created_at=now, updated_at=now, title="", version="", definition={})
        session.add(row)
        outcome = "created"
    elif row.version == version and row.is_active:
        return row, "unchanged"
    else:
        outcome = "updated"
    row.title, row.version, row.definition = definition.title, version, data
    row.is_active, row.updated_at = True, now
    return row, outcome


async def count_schedules(session: AsyncSession, report_id: str) -> int:
    """Return how many schedules, not deleted, use the report."""
    query = select(func.count()).where(Schedule.report_id == report_id, Schedule.state != ScheduleState.DELETED)
    return (await session.scalars(query)).one()
