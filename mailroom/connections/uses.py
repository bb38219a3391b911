"""Find the users of a connection: schedules through their destinations, reports through their source."""

from __future__ import annotations

from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ScheduleState
from mailroom.storage.tables import Report, Schedule


async def of_connection(session: AsyncSession, name: str) -> tuple[list[str], list[str]]:
    """Return the names of the schedules (not deleted) and the ids of the reports that use the connection."""
    schedules = select(Schedule.name, Schedule.distribution_config).where(
        Schedule.state != ScheduleState.DELETED,
        # The text narrows it down; the decision is made on the parsed value below.
        cast(Schedule.distribution_config, Text).contains(name, autoescape=True),
    )
    reports = select(Report.id, Report.definition).where(
        Report.is_active, cast(Report.definition, Text).contains(name, autoescape=True)
    )
    return (
        [
            row[0]
            for row in await session.execute(schedules.order_by(Schedule.name))
            if any(target.get("connection") == name for target in row[1].get("destinations", []))
        ],
        [
            row[0]
            for row in await session.execute(reports.order_by(Report.id))
            if row[1].get("source", {}).get("connection") == name
        ],
    )


async def owners_of(session: AsyncSession, name: str) -> list[str]:
    """Return the ids of the users whose schedules (not deleted) send through the connection."""
    schedules = select(Schedule.user_id, Schedule.distribution_config).where(
        Schedule.state != ScheduleState.DELETED,
        cast(Schedule.distribution_config, Text).contains(name, autoescape=True),
    )
    return sorted(
        {
            row[0]
            for row in await session.execute(schedules)
            if any(target.get("connection") == name for target in row[1].get("destinations", []))
        }
    )
