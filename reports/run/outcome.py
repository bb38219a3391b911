"""What an execution's end means for its schedule and its owner: counters, suspension, notification."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from reports.repositories import audit, executions
from reports.repositories import schedules as stored
from reports.run.settle import Verdict
from reports.schedule_spec import stored_spec
from reports.states import ExecutionKind, ExecutionState, ScheduleState, SyncState
from reports.tables import Execution, Notification, Schedule
from reports.timing.model import Immediate, Once


async def conclude(session: AsyncSession, execution_id: str, result: Verdict, *, now: datetime) -> None:
    """Write the verdict of a pass. Only an end alerts; a pass that will be tried again is silent."""
    execution = await executions.get(session, execution_id, lock=True)
    execution.status, execution.reason, execution.next_pass_at = result.state, result.reason, result.retry_at
    if result.state is ExecutionState.RETRYING:
        return
    execution.completed_at = now
    failed = result.state in (ExecutionState.FAILED, ExecutionState.PARTIAL)
    if failed:
        execution.error_message = execution.error_message or result.reason
    else:
        execution.error_message = execution.error_id = None
    schedule = await stored.find(session, execution.schedule_id, lock=True)
    assert schedule is not None, "schedules are never removed, only marked as deleted"
    if failed:
        _notify(session, schedule, execution, now)
    if execution.kind is ExecutionKind.SCHEDULED:
        _count(session, schedule, failed=failed, now=now)
        _finish(schedule, now)


def _notify(session: AsyncSession, schedule: Schedule, execution: Execution, now: datetime) -> None:
    session.add(
        Notification(
            user_id=schedule.user_id,
            at=now,
            severity="error" if execution.status is ExecutionState.FAILED else "warning",
            title=f"{schedule.name}: {execution.status}",
            body=execution.reason,
            schedule_id=schedule.id,
            execution_id=execution.id,
        )
    )


def _count(session: AsyncSession, schedule: Schedule, *, failed: bool, now: datetime) -> None:
    """Consecutive failures, and the suspension that they lead to."""
    if not failed:
        schedule.consecutive_failures = 0
        return
    schedule.consecutive_failures += 1
    limit = stored_spec(schedule).policy.pause_after_failures
    if schedule.state is ScheduleState.ACTIVE and schedule.consecutive_failures >= limit:
        _set_state(schedule, ScheduleState.SUSPENDED, now)
        audit.record(
            session,
            at=now,
            actor="mailroom",
            action="suspended",
            entity_type="schedule",
            entity_id=schedule.id,
            detail={"consecutive_failures": schedule.consecutive_failures},
        )


def _finish(schedule: Schedule, now: datetime) -> None:
    """A schedule with no occurrence left is finished."""
    one_time = isinstance(stored_spec(schedule).timing, Immediate | Once)
    if schedule.state is ScheduleState.ACTIVE and (one_time or schedule.next_run is None):
        _set_state(schedule, ScheduleState.FINISHED, now)


def _set_state(schedule: Schedule, state: ScheduleState, now: datetime) -> None:
    schedule.state, schedule.is_active = state, state is ScheduleState.ACTIVE
    schedule.next_run = schedule.next_run if state is ScheduleState.ACTIVE else None
    schedule.generation += 1
    schedule.sync_state, schedule.updated_at = SyncState.PENDING, now
