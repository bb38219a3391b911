"""From rows to views: a whole page at a time, with one query for each thing that is shown beside the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.views import (
    ArtifactView,
    AttemptView,
    DeliveryView,
    ErrorView,
    ExecutionDetail,
    ExecutionView,
    LastRun,
    NextRun,
    ScheduleView,
    SyncView,
    WarningView,
)
from mailroom.calendars.service import business_calendars
from mailroom.context import Context
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import overview
from mailroom.executions import repository as executions
from mailroom.executions.overview import Deliveries
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import reason_of
from mailroom.schedules import repository as schedule_repository
from mailroom.schedules.conflicts.survey import Draft, survey
from mailroom.schedules.conflicts.warning import ScheduleWarning
from mailroom.schedules.forecast import DueTime, forecast
from mailroom.schedules.service import etag
from mailroom.schedules.spec import spec_data, stored_spec
from mailroom.states import ScheduleState
from mailroom.storage.tables import Artifact, Execution, Schedule
from mailroom.timing import BusinessCalendar

SHOWN_RUNS = 5


def next_runs(due: Sequence[DueTime]) -> list[NextRun]:
    """Due times with their local time."""
    return [NextRun.model_validate(one) for one in due]


def warning_views(found: Sequence[ScheduleWarning]) -> list[WarningView]:
    """Warnings as they are shown."""
    return [WarningView.model_validate(warning) for warning in found]


async def schedule_views(session: AsyncSession, rows: Sequence[Schedule], context: Context) -> list[ScheduleView]:
    """Schedules as users see them."""
    last = await executions.latest_of(session, [row.id for row in rows])
    counts = await overview.delivery_counts(session, [execution.id for execution in last.values()])
    named = {row.schedule_config["calendar"] for row in rows if row.schedule_config.get("calendar")}
    calendars = await business_calendars(session, named)

    def views() -> list[ScheduleView]:
        return [_schedule(row, last.get(row.id), counts, calendars, context) for row in rows]

    # A page of them takes some tens of milliseconds: too long for the event loop.
    return await asyncio.to_thread(views)


async def schedule_view(session: AsyncSession, row: Schedule, context: Context) -> ScheduleView:
    """One schedule, with what its timing alone gives to warn of."""
    return (await schedule_views(session, [row], context))[0]


async def schedule_detail(session: AsyncSession, row: Schedule, context: Context) -> ScheduleView:
    """One schedule with its conflicts, which a list does not look for."""
    view = await schedule_view(session, row, context)
    if row.state is not ScheduleState.ACTIVE:
        return view
    draft = Draft.of(stored_spec(row), row.id)
    found = await survey(session, draft, context.user, now=context.now, settings=context.settings)
    return view.model_copy(update={"warnings": [*view.warnings, *warning_views(found)]})


def _schedule(
    row: Schedule,
    last: Execution | None,
    counts: dict[str, Deliveries],
    calendars: dict[str, BusinessCalendar],
    context: Context,
) -> ScheduleView:
    spec = stored_spec(row)
    timing = spec.timing
    ahead = None
    if row.state is ScheduleState.ACTIVE and timing.frequency != "immediate":
        business = calendars.get(timing.calendar or "", BusinessCalendar())
        ahead = forecast(timing, business, now=context.now, count=SHOWN_RUNS, jitter=spec.policy.jitter)
    here = f"/api/v1/schedules/{row.id}"
    links = {"self": here, "history": f"{here}/history", "report": f"/api/v1/reports/{row.report_id}"}
    if row.deployment_id:
        links["prefect"] = f"{context.settings.prefect_ui}/deployments/deployment/{row.deployment_id}"
    return ScheduleView(
        **spec_data(row),
        id=row.id,
        state=row.state,
        next_runs=next_runs(ahead.due) if ahead else [],
        last_run=_last_run(last, counts) if last else None,
        sync=SyncView(
            state=row.sync_state,
            generation=row.generation,
            observed_generation=row.observed_generation,
            error=row.sync_error,
        ),
        warnings=warning_views(ahead.warnings) if ahead else [],
        etag=etag(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
        links=links,
    )


def _last_run(row: Execution, counts: dict[str, Deliveries]) -> LastRun:
    count = counts.get(row.id, Deliveries())
    return LastRun(
        id=row.id,
        kind=row.kind,
        due_at=row.due_at,
        status=row.status,
        reason=words(reason_of(row)),
        reason_code=row.reason_code,
        delivered=count.delivered,
        total=count.total,
    )


async def execution_views(session: AsyncSession, rows: Sequence[Execution], context: Context) -> list[ExecutionView]:
    """Executions with counts and files."""
    counts = await overview.delivery_counts(session, [row.id for row in rows])
    files = await overview.artifacts_of(session, rows)
    names = await schedule_repository.names(session, [row.schedule_id for row in rows])
    return [_execution(row, counts, files, names, context) for row in rows]


def artifact_view(row: Artifact) -> ArtifactView:
    """A file with its download link."""
    return ArtifactView(
        id=row.id,
        filename=row.filename,
        format=row.format,
        media_type=row.media_type,
        size=row.size,
        rows=row.rows,
        sha256=row.sha256,
        expires_at=row.expires_at,
        download=f"/api/v1/artifacts/{row.id}/download",
    )


def _execution(
    row: Execution,
    counts: dict[str, Deliveries],
    files: dict[str, list[Artifact]],
    names: dict[str, str],
    context: Context,
) -> ExecutionView:
    count = counts.get(row.id, Deliveries())
    links = {"self": f"/api/v1/executions/{row.id}", "schedule": f"/api/v1/schedules/{row.schedule_id}"}
    if row.flow_run_id:
        links["prefect"] = f"{context.settings.prefect_ui}/runs/flow-run/{row.flow_run_id}"
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
        links=links,
    )


async def execution_detail(session: AsyncSession, row: Execution, context: Context) -> ExecutionDetail:
    """One execution with its deliveries and their attempts."""
    view = (await execution_views(session, [row], context))[0]
    attempts: dict[str, list[AttemptView]] = {}
    for attempt in await delivery_repository.attempts_of(session, row.id):
        attempts.setdefault(attempt.delivery_id, []).append(AttemptView.model_validate(attempt))
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
            error_message=delivery.error_message,
            attempts=attempts.get(delivery.id, []),
        )
        for delivery in await delivery_repository.deliveries_of(session, [row.id])
    ]
    return ExecutionDetail(**view.model_dump(), deliveries=deliveries)
