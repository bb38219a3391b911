"""Make the view of one execution: its deliveries and attempts, its rendering, and what it is to be measured by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.executions.downloads import download_views
from api.actions.executions.present import execution_views
from api.actions.executions.views import AttemptView, DeliveryView, ExecutionDetail, RenderingView
from mailroom.access import repository as users
from mailroom.access.viewer import SYSTEM
from mailroom.context import Context
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions.history.norms import usual_length
from mailroom.executions.history.progress import rendering_of
from mailroom.executions.overview import grade_of
from mailroom.executions.policy import Policy
from mailroom.passes.retry import expiry_of
from mailroom.reports import repository as reports
from mailroom.schedules import repository as schedules
from mailroom.states import DeliveryState, ExecutionKind
from mailroom.storage.tables import Delivery, Execution, Schedule


async def execution_detail(session: AsyncSession, row: Execution, context: Context) -> ExecutionDetail:
    """Return one execution with its deliveries and their attempts."""
    view = (await execution_views(session, [row], context))[0]
    rows = await delivery_repository.deliveries_of(session, [row.id])
    left = [delivery.recipient for delivery in rows if delivery.status is not DeliveryState.DELIVERED]
    return ExecutionDetail(
        **view.model_dump(),
        **await _measures(session, row, context),
        unconfirmed=list(dict.fromkeys(left)),
        deliveries=await _deliveries(session, row, rows, context),
    )


async def _deliveries(
    session: AsyncSession, row: Execution, rows: Sequence[Delivery], context: Context
) -> list[DeliveryView]:
    attempts: dict[str, list[AttemptView]] = {}
    for attempt in await delivery_repository.attempts_of(session, row.id):
        attempts.setdefault(attempt.delivery_id, []).append(AttemptView.model_validate(attempt))
    fetched = await download_views(session, [delivery.id for delivery in rows], context.viewer)
    return [
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
            sent_bytes=delivery.sent_bytes,
            total_bytes=delivery.total_bytes,
            attempts=attempts.get(delivery.id, []),
            **fetched[delivery.id],
        )
        for delivery in rows
    ]


async def _measures(session: AsyncSession, row: Execution, context: Context) -> dict[str, Any]:
    """Return what the execution is to be measured by, as fields of its view."""
    schedule = await schedules.find(session, row.schedule_id)
    assert schedule is not None, "schedules are never removed, only marked as deleted"
    record, usual = rendering_of(row), None
    if not row.status.ended:
        tests = row.kind is ExecutionKind.TEST
        usual = await usual_length(session, schedule.id, viewer=context.viewer, tests=tests)
    asked = await users.find(session, row.requested_by) if row.requested_by else None
    title, timezone = await _named(session, row, schedule)
    return {
        "owner": schedule.user_id,
        "is_sample": schedule.is_sample,
        "requested_by": (asked.name or asked.email) if asked else None,
        "report_title": title,
        "timezone": timezone,
        "rendering": RenderingView.model_validate(record) if record else None,
        "usual_seconds": usual.total_seconds() if usual else None,
        "heard_until": row.lease_until,
        "expires_at": _expires_at(row, schedule),
    }


async def _named(session: AsyncSession, row: Execution, schedule: Schedule) -> tuple[str, str]:
    """Return the title of the report and the zone: those that were planned, else those of the schedule."""
    planned = row.plan or {}
    if planned.get("report_title") and planned.get("timezone"):
        return str(planned["report_title"]), str(planned["timezone"])
    # Whoever sees a schedule may know the title of its report, which stands in every mail.
    report = await reports.find(session, schedule.report_id, viewer=SYSTEM)
    return report.title if report else schedule.name, str(schedule.schedule_config.get("timezone", "UTC"))


def _expires_at(row: Execution, schedule: Schedule) -> datetime | None:
    if row.status.ended:
        return None
    try:
        policy = Policy.model_validate(schedule.policy_config["policy"])
    except (KeyError, ValidationError):
        return None  # It was stored by another version; the watchdog judges by its own reading.
    return expiry_of(row, policy.expires_after).at
