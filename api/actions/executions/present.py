"""Make views of executions, a whole page at a time, with one query for each thing that is shown beside the rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.artifacts.present import artifact_view
from api.actions.executions.downloads import download_views
from api.actions.executions.views import AttemptView, DeliveryView, ErrorView, ExecutionDetail, ExecutionView
from mailroom.context import Context
from mailroom.executions import again, overview
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions.overview import Deliveries, grade_of
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import reason_of
from mailroom.schedules import repository as schedule_repository
from mailroom.states import DeliveryState
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
        started_at=row.started_at,
        completed_at=row.completed_at,
        delivered=count.delivered,
        total=count.total,
        error=ErrorView(id=row.error_id, message=row.error_message) if row.error_message else None,
        artifacts=[artifact_view(artifact) for artifact in files.get(row.id, [])],
        test_recipient=row.test_recipient,
        retry_requested_at=row.retry_requested_at if again.is_asked_for(row) else None,
        corrects=row.corrects,
        corrected_by=corrected_by,
        correction_reason=row.correction_reason,
        links=links,
    )


async def execution_detail(session: AsyncSession, row: Execution, context: Context) -> ExecutionDetail:
    """Return one execution with its deliveries and their attempts."""
    view = (await execution_views(session, [row], context))[0]
    attempts: dict[str, list[AttemptView]] = {}
    for attempt in await delivery_repository.attempts_of(session, row.id):
        attempts.setdefault(attempt.delivery_id, []).append(AttemptView.model_validate(attempt))
    rows = await delivery_repository.deliveries_of(session, [row.id])
    fetched = await download_views(session, [delivery.id for delivery in rows], context.viewer)
    deliveries = [
        DeliveryView(
            id=delivery.id,
            channel=delivery.channel,
            connection=delivery.connection,
            recipient=delivery.recipient,
            status=delivery.status,
            delivered_at=delivery.delivered_at,
            next_attempt_at=delivery.next_attempt_at,
            receipt=delivery.receipt,
            grade=grade_of(delivery),
            error_message=delivery.error_message,
            reason_code=delivery.reason_code,
            attempts=attempts.get(delivery.id, []),
            **fetched[delivery.id],
        )
        for delivery in rows
    ]
    left = [delivery.recipient for delivery in deliveries if delivery.status is not DeliveryState.DELIVERED]
    return ExecutionDetail(**view.model_dump(), unconfirmed=list(dict.fromkeys(left)), deliveries=deliveries)
