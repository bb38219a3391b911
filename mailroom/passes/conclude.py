"""Conclude an execution: its end counts for the schedule, may suspend or finish it, and is told to its owner."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleSuspended
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import delivery_lifecycle, lifecycle
from mailroom.executions.fence import hold_for
from mailroom.executions.history.last_result import BAD
from mailroom.executions.lifecycle import By
from mailroom.executions.reason_words import sentence
from mailroom.executions.reasons import ReasonCode, because, naming, reason_of
from mailroom.ledger import repository as ledger
from mailroom.ledger.account import account_for_change
from mailroom.notifications.events import Event, ExecutionFailed
from mailroom.notifications.schedule_events import CorrectionSent, Recovered, SuspendedAfterFailures
from mailroom.notifications.service import notify
from mailroom.passes.outcome import Outcome, Settled, Tried, left_out, outcome_of
from mailroom.passes.planned.deliveries import plan
from mailroom.passes.stopping.decide import NOT_ITS_FAULT, while_held
from mailroom.schedules import lifecycle as schedule_lifecycle
from mailroom.schedules import repository as stored
from mailroom.schedules.lifecycle import Cause
from mailroom.schedules.spec import stored_spec
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.stops import repository as stops
from mailroom.storage.tables import Delivery, Execution, Schedule
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)


async def conclude(
    session: AsyncSession, execution_id: str, result: Outcome | Tried, *, pass_number: int, now: datetime
) -> Settled:
    """Write the outcome of a pass. Only an end alerts; a pass that will be tried again is silent.

    Returns what stands: an execution that ended meanwhile stays so, whatever this pass came to.

    Args:
        result: how the execution goes on. After `Tried`, the deliveries say so.
        pass_number: the pass that concludes, or that the rescue has found dead.

    Raises:
        PassLost: another pass has begun since.
        LeftUnderWay: a delivery was tried whose attempt has not ended.
    """
    schedule = await stored.hold_of(session, execution_id)  # First, as the claim does: no deadlock.
    execution = await hold_for(session, execution_id, pass_number)
    assert schedule is not None, "schedules are never removed, only marked as deleted"
    deliveries = await delivery_repository.deliveries_of(session, [execution_id])
    stands = Settled(execution.status, reason_of(execution), execution.next_pass_at, deliveries=deliveries)
    if execution.status.ended:
        return stands
    if isinstance(result, Tried):
        result = await _outcome(session, result, deliveries, now)
    if not lifecycle.ALLOWED.allows(execution.status, result.state, By.PLAN):
        return stands
    failed = result.state in (ExecutionState.FAILED, ExecutionState.PARTIAL)
    said, unconfirmed = sentence(result.reason), tuple[str, ...]()
    if failed:
        await delivery_lifecycle.stop_retries(session, execution.id)
        unconfirmed = _unconfirmed(execution, schedule, deliveries, now)
        result = replace(result, reason=naming(result.reason, unconfirmed))
    last = schedule.last_status
    lifecycle.end_pass(
        execution,
        result.state,
        result.reason,
        schedule=schedule,
        now=now,
        retry_at=result.retry_at,
        held_by=result.held_by,
    )
    settled = Settled(result.state, result.reason, result.retry_at, result.held_by, deliveries)
    if result.state is ExecutionState.RETRYING:
        return settled
    await notify(session, _told(schedule, execution, last, said, unconfirmed), at=now)
    if execution.kind is ExecutionKind.SCHEDULED:
        stopped = result.reason.code in NOT_ITS_FAULT
        if result.state is not ExecutionState.CANCELLED and not stopped:
            await _count(session, schedule, failed=failed, now=now)
        await _finish(session, schedule, execution, now)
    return settled


async def _outcome(session: AsyncSession, tried: Tried, deliveries: Sequence[Delivery], now: datetime) -> Outcome:
    """Return how the execution goes on after its deliveries were tried, but for what a stop held back."""
    outcome = outcome_of(deliveries, now=now, expiry=tried.expiry)
    if tried.held_by is None:
        return outcome
    stop = await stops.get(session, tried.held_by)
    return while_held(outcome, stop, deliveries, expiry=tried.expiry, now=now)


def _unconfirmed(
    execution: Execution, schedule: Schedule, deliveries: Sequence[Delivery], now: datetime
) -> tuple[str, ...]:
    """Return the recipients of every delivery that is not confirmed, in order; also of those that never began."""
    if not deliveries:
        try:
            deliveries = plan(execution, stored_spec(schedule), now=now)
        except (ValidationError, MailroomError):
            _LOG.warning("The recipients of execution %s cannot be read.", execution.id, exc_info=True)
    left = [row.recipient for row in deliveries if row.status is not DeliveryState.DELIVERED and not left_out(row)]
    return tuple(dict.fromkeys(left))


def _told(
    schedule: Schedule, execution: Execution, last: ExecutionState | None, said: str, unconfirmed: tuple[str, ...]
) -> list[Event]:
    """Return what the owner is told of an execution that has ended; `last` is how the run before it did. Pure."""
    of = (schedule.user_id, schedule.id, schedule.name, execution.id)
    if execution.status in (ExecutionState.FAILED, ExecutionState.PARTIAL):
        return [ExecutionFailed(*of, execution.status, said, unconfirmed)]
    if execution.status is not ExecutionState.SUCCESS:
        return []
    if execution.kind is ExecutionKind.CORRECTION:
        return [CorrectionSent(*of, execution.due_at)]
    again = last in BAD and schedule.last_execution_id == execution.id and execution.kind is not ExecutionKind.TEST
    return [Recovered(*of, execution.due_at)] if again else []


async def _count(session: AsyncSession, schedule: Schedule, *, failed: bool, now: datetime) -> None:
    """Count consecutive failures, and suspend the schedule after too many."""
    if not failed:
        schedule.consecutive_failures = 0
        return
    schedule.consecutive_failures += 1
    limit = stored_spec(schedule).policy.pause_after_failures
    if schedule.state is ScheduleState.ACTIVE and schedule.consecutive_failures >= limit:
        ended = because(ReasonCode.SCHEDULE_SUSPENDED, failures=schedule.consecutive_failures)
        await account_for_change(session, [schedule], now=now, ended=ended)
        schedule_lifecycle.move(schedule, ScheduleState.SUSPENDED, Cause.FAILURES, now=now)
        audit.record(session, ScheduleSuspended(schedule.id, schedule.consecutive_failures), at=now)
        failures = schedule.consecutive_failures
        await notify(session, [SuspendedAfterFailures(schedule.user_id, schedule.id, schedule.name, failures)], at=now)


async def _finish(session: AsyncSession, schedule: Schedule, execution: Execution, now: datetime) -> None:
    """Finish the schedule where nothing is left to fire and every occurrence has ended."""
    if schedule.state is not ScheduleState.ACTIVE or schedule.next_run is not None:
        return
    if not await ledger.has_open(session, schedule.id, besides=execution.id):
        schedule_lifecycle.move(schedule, ScheduleState.FINISHED, Cause.NOTHING_LEFT, now=now)
