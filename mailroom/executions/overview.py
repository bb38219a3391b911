"""Read what lists show beside their rows: counts and files, with one query for a whole page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import DeliveryState
from mailroom.storage.tables import Artifact, Delivery, Execution
from prefect_mailroom.channels.base import Grade


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The number of deliveries of an execution, and of those that are confirmed; `last_at` is when the last one was."""

    delivered: int = 0
    total: int = 0
    last_at: datetime | None = None


async def delivery_counts(session: AsyncSession, execution_ids: Sequence[str]) -> dict[str, Deliveries]:
    """Return the counts of each execution that has deliveries."""
    confirmed = func.sum(case((Delivery.status == DeliveryState.DELIVERED, 1), else_=0))
    query = (
        select(Delivery.execution_id, confirmed, func.count(), func.max(Delivery.delivered_at))
        .where(Delivery.execution_id.in_(execution_ids))
        .group_by(Delivery.execution_id)
    )
    return {row[0]: Deliveries(int(row[1]), int(row[2]), row[3]) for row in await session.execute(query)}


async def artifacts_of(session: AsyncSession, executions: Iterable[Execution]) -> dict[str, list[Artifact]]:
    """Return the files of each execution that has some, in the order of its formats. This is one query."""
    wanted = {row.id: row.artifact_ids for row in executions if row.artifact_ids}
    if not wanted:
        return {}
    every = {artifact_id for ids in wanted.values() for artifact_id in ids}
    rows = {row.id: row for row in await session.scalars(select(Artifact).where(Artifact.id.in_(every)))}
    return {execution_id: [rows[one] for one in ids if one in rows] for execution_id, ids in wanted.items()}


def grade_of(row: Delivery) -> Grade | None:
    """Return how much the receipt of a delivery proves; None without one, and for one of before grades were kept."""
    kept = (row.receipt or {}).get("grade")
    return Grade(kept) if kept in set(Grade) else None


async def corrections_of(session: AsyncSession, execution_ids: Sequence[str]) -> dict[str, str]:
    """Return the id of the correction of each of these executions that was corrected."""
    query = select(Execution.corrects, Execution.id).where(Execution.corrects.in_(execution_ids))
    return {row[0]: row[1] for row in await session.execute(query)}
