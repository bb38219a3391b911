"""Claim: which execution a flow run works on, decided by the database so that nobody else works on it too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.calendars.service import business_calendar
from mailroom.errors import NotFound
from mailroom.executions import delivery_lifecycle, lifecycle
from mailroom.executions import repository as executions
from mailroom.ledger import repository as ledger
from mailroom.schedules import repository as stored
from mailroom.schedules.spec import ScheduleSpec, stored_spec
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Schedule
from mailroom.timing import is_due


@dataclass(frozen=True, slots=True)
class FlowRunFacts:
    """What Prefect says of the run: `expected_at` is when it was due, `scheduled` whether its scheduler made it."""

    id: str
    expected_at: datetime
    scheduled: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """This flow run works on this execution. `again` marks a later pass: a retry, or a person's Retry."""

    execution: Execution
    schedule: Schedule
    spec: ScheduleSpec
    again: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """There is nothing for this flow run to do; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """Another process holds the execution's lease until `until`; it may be dead, which only time tells."""

    reason: str
    until: datetime


async def claim(
    session: AsyncSession, run: FlowRunFacts, *, schedule_id: str, execution_id: str | None, now: datetime
) -> Claimed | Stopped | HeldElsewhere:
    """Find or insert the run's execution and take it.

    A run that comes back (a retry of ours, Retry in Prefect's UI, a restart after a crash) finds its own execution; a
    duplicate run, whatever made it, stops here.
    """
    # The schedule's row is locked first, by everybody: of two occurrences, one gate sees what the other decided.
    schedule = await stored.find(session, schedule_id, lock=True)
    if schedule is None:
        return Stopped(f"There is no schedule {schedule_id}.")
    execution = await executions.of_flow_run(session, run.id)
    if execution is not None:
        return await _again(session, execution, schedule, now)
    if execution_id is not None:
        return await _requested(session, execution_id, schedule, run)
    if not run.scheduled:
        return _by_hand(session, schedule, run, now)
    return await _occurrence(session, schedule, run, now)


async def _occurrence(session: AsyncSession, schedule: Schedule, run: FlowRunFacts, now: datetime) -> Claimed | Stopped:
    """What Prefect's scheduler made the run for: it must be in the ledger, or be due by the schedule as it is."""
    spec = stored_spec(schedule)
    due_at = run.expected_at.replace(second=0, microsecond=0)
    if not await ledger.is_known(session, schedule.id, due_at):
        business = await business_calendar(session, spec.timing.calendar)
        if not is_due(spec.timing, due_at, business):
            return Stopped(f"{due_at.isoformat()} is not a due time of this schedule.")
        if due_at <= schedule.accounted_until:
            return Stopped(f"The schedule was not due at {due_at.isoformat()}: it was changed, or not active, then.")
    execution = await lifecycle.insert_occurrence(session, schedule.id, due_at, flow_run_id=run.id, now=now)
    if execution.flow_run_id is None:
        if execution.status is not ExecutionState.PENDING:
            return Stopped(f"This occurrence ended as {execution.status}: {execution.reason}")
        execution.flow_run_id = run.id
    if execution.flow_run_id != run.id:
        return Stopped(f"Another run, {execution.flow_run_id}, has this occurrence.")
    return Claimed(execution, schedule, spec, again=False)


async def _again(
    session: AsyncSession, execution: Execution, schedule: Schedule, now: datetime
) -> Claimed | Stopped | HeldElsewhere:
    if execution.status in (ExecutionState.SUCCESS, ExecutionState.SKIPPED, ExecutionState.MISSED):
        return Stopped(f"This execution ended as {execution.status}; a confirmed delivery is never repeated.")
    if execution.superseded_by:
        return Stopped(execution.reason)
    if execution.status is ExecutionState.RUNNING and execution.lease_until and execution.lease_until > now:
        return HeldElsewhere("Another process works on this execution.", execution.lease_until)
    await delivery_lifecycle.abandon_attempts(session, execution.id, now=now)
    first = execution.status is ExecutionState.PENDING
    return Claimed(execution, schedule, stored_spec(schedule), again=not first)


async def _requested(
    session: AsyncSession, execution_id: str, schedule: Schedule, run: FlowRunFacts
) -> Claimed | Stopped:
    try:
        execution = await executions.get(session, execution_id, lock=True)
    except NotFound as error:
        return Stopped(str(error))
    if execution.schedule_id != schedule.id:
        return Stopped(f"Execution {execution_id} belongs to another schedule.")
    if execution.flow_run_id not in (None, run.id):
        return Stopped(f"Another run, {execution.flow_run_id}, has this execution.")
    again = execution.status is ExecutionState.RETRYING
    if execution.status is not ExecutionState.PENDING and not again:
        return Stopped(f"This execution is {execution.status} already.")
    execution.flow_run_id = run.id
    return Claimed(execution, schedule, stored_spec(schedule), again=again)


def _by_hand(session: AsyncSession, schedule: Schedule, run: FlowRunFacts, now: datetime) -> Claimed:
    """Somebody pressed Run in Prefect's UI: a run-now, with no occurrence of the schedule behind it."""
    due_at = run.expected_at.replace(microsecond=0)
    execution = lifecycle.new_execution(schedule.id, ExecutionKind.RUN_NOW, due_at, now=now, flow_run_id=run.id)
    session.add(execution)
    return Claimed(execution, schedule, stored_spec(schedule), again=False)
