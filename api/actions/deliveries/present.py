"""Make views of deliveries, a whole page at a time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.deliveries.views import DeliveryRow
from api.actions.executions.downloads import download_views
from mailroom.access.viewer import Viewer
from mailroom.executions import repository as executions
from mailroom.executions.overview import grade_of
from mailroom.schedules import repository as schedules
from mailroom.storage.tables import Delivery


async def delivery_rows(session: AsyncSession, rows: Sequence[Delivery], viewer: Viewer) -> list[DeliveryRow]:
    """Return deliveries with their executions and schedules, by three queries more."""
    of = await executions.by_ids(session, {row.execution_id for row in rows}, viewer=viewer)
    names = await schedules.names(session, [execution.schedule_id for execution in of.values()])
    fetched = await download_views(session, [row.id for row in rows], viewer)
    return [
        DeliveryRow(
            id=row.id,
            execution_id=row.execution_id,
            schedule_id=of[row.execution_id].schedule_id,
            schedule_name=names.get(of[row.execution_id].schedule_id, ""),
            due_at=of[row.execution_id].due_at,
            channel=row.channel,
            connection=row.connection,
            recipient=row.recipient,
            status=row.status,
            attempt_count=row.attempts,
            planned_at=row.created_at,
            next_attempt_at=row.next_attempt_at,
            delivered_at=row.delivered_at,
            receipt=row.receipt,
            grade=grade_of(row),
            error_message=row.error_message,
            reason_code=row.reason_code,
            **fetched[row.id],
            links={
                "execution": f"/api/v1/executions/{row.execution_id}",
                "schedule": f"/api/v1/schedules/{of[row.execution_id].schedule_id}",
            },
        )
        for row in rows
    ]
