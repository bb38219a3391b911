"""Reports in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.reports.spec import ReportDefinition
from mailroom.states import ScheduleState
from mailroom.storage.tables import Report, Schedule


def visible_to(_viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the reports that the viewer may see: all of them, as long as there is one owner."""
    return true()


async def find(session: AsyncSession, report_id: str, *, viewer: Viewer) -> Report | None:
    """Return the active report of that id, or None."""
    query = select(Report).where(Report.id == report_id, Report.is_active, visible_to(viewer))
    return (await session.scalars(query)).one_or_none()


async def get(session: AsyncSession, report_id: str, *, viewer: Viewer) -> Report:
    """Return the active report.

    Raises:
        NotFound: there is none of that id.
    """
    found = await find(session, report_id, viewer=viewer)
    if found is None:
        raise NotFound(f"There is no report '{report_id[:80]}'.", remedy="GET /api/v1/reports lists them.")
    return found


async def every(session: AsyncSession, *, viewer: Viewer) -> Sequence[Report]:
    """Return every active report by title."""
    return (
        await session.scalars(select(Report).where(Report.is_active, visible_to(viewer)).order_by(Report.title))
    ).all()


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
