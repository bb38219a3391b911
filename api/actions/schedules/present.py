"""Make views of schedules, a whole page at a time, with one query for each thing that is shown beside the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.schedules.ahead import ahead_of
from api.actions.schedules.views import LastRun, NextRun, ScheduleView, SyncView, WarningView
from mailroom.calendars.service import business_calendars
from mailroom.context import Context
from mailroom.executions import overview
from mailroom.executions import repository as executions
from mailroom.executions.history.last_result import Attention
from mailroom.executions.overview import Deliveries
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import reason_of
from mailroom.schedules.conflicts.survey import Draft, survey
from mailroom.schedules.conflicts.warning import ScheduleWarning
from mailroom.schedules.forecast import DueTime
from mailroom.schedules.service import etag
from mailroom.schedules.spec import spec_data, stored_spec
from mailroom.states import ScheduleState
from mailroom.storage.tables import Execution, Schedule
from mailroom.timing import BusinessCalendar


def next_runs(due: Sequence[DueTime]) -> list[NextRun]:
    """Return due times with their local time."""
    return [NextRun.model_validate(one) for one in due]


def warning_views(found: Sequence[ScheduleWarning]) -> list[WarningView]:
    """Return warnings as views."""
    return [WarningView.model_validate(warning) for warning in found]


async def schedule_views(session: AsyncSession, rows: Sequence[Schedule], context: Context) -> list[ScheduleView]:
    """Return schedules as views."""
    last = await executions.latest_of(session, [row.id for row in rows])
    counts = await overview.delivery_counts(session, [execution.id for execution in last.values()])
    named = {row.schedule_config["calendar"] for row in rows if row.schedule_config.get("calendar")}
    calendars = await business_calendars(session, named)

    def views() -> list[ScheduleView]:
        return [_schedule(row, last.get(row.id), counts, calendars, context) for row in rows]

    # A page of them takes some tens of milliseconds: too long for the event loop.
    return await asyncio.to_thread(views)


async def schedule_view(session: AsyncSession, row: Schedule, context: Context) -> ScheduleView:
    """Return one schedule, with the warnings that follow from its timing alone."""
    return (await schedule_views(session, [row], context))[0]


async def schedule_detail(session: AsyncSession, row: Schedule, context: Context) -> ScheduleView:
    """Return one schedule with its conflicts with others, which lists do not look for."""
    view = await schedule_view(session, row, context)
    if row.state is not ScheduleState.ACTIVE:
        return view
    draft = Draft.of(stored_spec(row), row.id)
    found = await survey(session, draft, context.viewer, now=context.now, settings=context.settings)
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
        ahead = ahead_of(spec, business, context.now)
    here = f"/api/v1/schedules/{row.id}"
    links = {"self": here, "history": f"{here}/history", "report": f"/api/v1/reports/{row.report_id}"}
    if row.deployment_id:
        links["prefect"] = f"{context.settings.prefect_ui}/deployments/deployment/{row.deployment_id}"
    return ScheduleView(
        **spec_data(row),
        id=row.id,
        owner=row.user_id,
        state=row.state,
        next_runs=next_runs(ahead.due) if ahead else [],
        last_run=_last_run(last, counts) if last else None,
        next_run=row.next_run,
        last_status=row.last_status,
        failing=row.attention == Attention.FAILING,
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
        delete_after=row.delete_after,
        is_sample=row.is_sample,
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
