"""Look up what a link is for, and keep what was fetched by links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.stops.coverage import stopping
from mailroom.storage.model.links import Download
from mailroom.storage.tables import Delivery, Execution, Schedule, User


@dataclass(frozen=True, slots=True)
class Linked:
    """The delivery that a link is for, and what it belongs to. `corrected_by` is the execution that corrects it."""

    delivery: Delivery
    execution: Execution
    schedule: Schedule
    owner: User
    corrected_by: str | None


async def linked(session: AsyncSession, delivery_id: str) -> Linked | None:
    """Return what the link of a delivery is for, for whoever has the link; None where there is no such delivery."""
    correction = aliased(Execution)
    query = (
        select(Delivery, Execution, Schedule, User, correction.id)
        .join(Execution, Execution.id == Delivery.execution_id)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(User, User.id == Schedule.user_id)
        .outerjoin(correction, correction.corrects == Execution.id)
        .where(Delivery.id == delivery_id)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else Linked(*row)


async def is_stopped(session: AsyncSession, found: Linked) -> bool:
    """Tell whether a stop keeps what the link is for from leaving."""
    planned = (found.execution.plan or {}).get("report_id", found.schedule.report_id)
    stop = stopping(schedule_id=found.schedule.id, report_id=planned, connection=found.delivery.connection)
    return (await session.execute(select(stop))).scalar_one_or_none() is not None


async def count_downloads(session: AsyncSession, delivery_id: str) -> int:
    """Count how often files were fetched by the links of a delivery."""
    query = select(func.count(Download.id)).where(Download.delivery_id == delivery_id)
    return int((await session.execute(query)).scalar_one())


async def latest_downloads(
    session: AsyncSession, delivery_ids: Sequence[str], *, most: int
) -> list[tuple[Download, int]]:
    """Return the latest downloads of each of these deliveries, and beside each how many there are of its delivery."""
    of = Download.delivery_id
    place = func.row_number().over(partition_by=of, order_by=[Download.at.desc(), Download.id])
    counted = select(
        Download.id.label("row"), place.label("place"), func.count(Download.id).over(partition_by=of).label("count")
    )
    ranked = counted.where(Download.delivery_id.in_(delivery_ids)).subquery()
    query = select(Download, ranked.c.count).join(ranked, ranked.c.row == Download.id).where(ranked.c.place <= most)
    rows = await session.execute(query.order_by(Download.delivery_id, ranked.c.place))
    return [(row[0], int(row[1])) for row in rows]
