"""Make views of executions, a whole page at a time, with one query for each thing that is shown beside the rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.artifacts.present import artifact_view
from api.actions.executions.views import ErrorView, ExecutionView
from mailroom.context import Context
from mailroom.executions import again, overview
from mailroom.executions.history.norms import lateness, took
from mailroom.executions.overview import Deliveries
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import reason_of
from mailroom.schedules import repository as schedule_repository
from mailroom.storage.tables import Artifact, Execution


async def execution_views(session: AsyncSession, rows: Sequence[Execution], context: Context) -> list[ExecutionView]:
    """Return executions with the counts of their deliveries, and their files."""
    counts = await overview.delivery_counts(session, [row.id for row in rows])
    files = await overview.artifacts_of(session, rows)
    names = await schedule_repository.names(session, [row.schedule_id for row in rows])
    corrections = await overview.corrections_of(session, [row.id for row in rows])
    return [_execution(row, counts, files, names, corrections.get(row.id), context) for row in rows]


def _execution(
    row: Execution,
    counts: dict[str, Deliveries],
    files: dict[str, list[Artifact]],
    names: dict[str, str],
    corrected_by: str | None,
    context: Context,
) -> ExecutionView:
    count = counts.get(row.id, Deliveries())
    links = {"self": f"/api/v1/executions/{row.id}", "schedule": f"/api/v1/schedules/{row.schedule_id}"}
    if row.flow_run_id:
        links["prefect"] = f"{context.settings.prefect_ui}/runs/flow-run/{row.flow_run_id}"
    for name, other in (("corrects", row.corrects), ("corrected_by", corrected_by)):
        if other:
            links[name] = f"/api/v1/executions/{other}"
    return ExecutionView(
        id=row.id,
        schedule_id=row.schedule_id,
        schedule_name=names.get(row.schedule_id, ""),
        kind=row.kind,
        due_at=row.due_at,
        status=row.status,
        reason=words(reason_of(row)),
        reason_code=row.reason_code,
        reason_values=row.reason_values or {},
        requested_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        next_try_at=row.next_pass_at,
        delivered=count.delivered,
        total=count.total,
        last_delivered_at=count.last_at,
        lateness_seconds=lateness(row, count.last_at),
        took_seconds=took(row),
        error=ErrorView(id=row.error_id, message=row.error_message) if row.error_message else None,
        artifacts=[artifact_view(artifact) for artifact in files.get(row.id, [])],
        test_recipient=row.test_recipient,
        retry_requested_at=row.retry_requested_at if again.is_asked_for(row) else None,
        corrects=row.corrects,
        corrected_by=corrected_by,
        correction_reason=row.correction_reason,
        links=links,
    )
