"""Reports, connections, calendars and users in the database: what schedules refer to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import NotFound
from mailroom.reports.spec import ReportDefinition
from mailroom.states import ScheduleState
from mailroom.storage.tables import Calendar, Connection, Report, Schedule, User


async def find_report(session: AsyncSession, report_id: str) -> Report | None:
    """The active report of that id, or None."""
    found = await session.get(Report, report_id)
    return found if found and found.is_active else None


async def report(session: AsyncSession, report_id: str) -> Report:
    """The active report.

    Raises:
        NotFound: there is none of that id.
    """
    found = await find_report(session, report_id)
    if found is None:
        raise NotFound(f"There is no report '{report_id[:80]}'.", remedy="GET /api/v1/reports lists them.")
    return found


async def reports(session: AsyncSession) -> Sequence[Report]:
    """Every active report by title."""
    return (await session.scalars(select(Report).where(Report.is_active).order_by(Report.title))).all()


async def save_report(session: AsyncSession, definition: ReportDefinition, *, now: datetime) -> tuple[Report, str]:
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


async def schedules_of_report(session: AsyncSession, report_id: str) -> int:
    """How many schedules, not deleted, use the report."""
    query = select(func.count()).where(Schedule.report_id == report_id, Schedule.state != ScheduleState.DELETED)
    return (await session.scalars(query)).one()


async def connections(session: AsyncSession) -> Sequence[Connection]:
    """Every connection by name."""
    return (await session.scalars(select(Connection).order_by(Connection.name))).all()


async def connection(session: AsyncSession, name: str) -> Connection:
    """The connection.

    Raises:
        NotFound: there is none of that name.
    """
    found = await session.get(Connection, name)
    if found is None:
        raise NotFound(f"There is no connection '{name[:100]}'.", remedy="GET /api/v1/connections lists them.")
    return found


async def connections_named(session: AsyncSession, names: Sequence[str]) -> dict[str, Connection]:
    """Those of the names that exist."""
    query = select(Connection).where(Connection.name.in_(names))
    return {row.name: row for row in await session.scalars(query)}


async def calendar(session: AsyncSession, calendar_id: str, *, lock: bool = False) -> Calendar | None:
    """The business calendar, or None; `lock` keeps it from being deleted until the transaction ends."""
    return await session.get(Calendar, calendar_id, with_for_update={"read": True} if lock else None)


async def user(session: AsyncSession, user_id: str) -> User | None:
    """The user, or None."""
    return await session.get(User, user_id)


async def user_by_email(session: AsyncSession, email: str) -> User | None:
    """The user with this address, or None."""
    return (await session.scalars(select(User).where(User.email == email))).one_or_none()
