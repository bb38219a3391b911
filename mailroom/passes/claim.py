"""Claim the execution that a flow run works on; the database decides, so that nobody else works on it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.calendars.service import business_calendar
from mailroom.errors import NotFound
from mailroom.executions import delivery_lifecycle, lifecycle, overlap, overview
from mailroom.executions import repository as executions
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import Reason, ReasonCode, because, reason_of
from mailroom.schedules import repository as stored
from mailroom.schedules.spec import ScheduleSpec, stored_spec
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Schedule
from mailroom.timing import is_due

_C = ReasonCode


@dataclass(frozen=True, slots=True)
class FlowRunFacts:
    """The facts that Prefect knows of a run: when it was due, and whether its scheduler made it."""

    id: str
    expected_at: datetime
    scheduled: bool

    @property
    def due_at(self) -> datetime:
        """Return the due time of the occurrence that it was made for."""
        return self.expected_at.replace(second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Claimed:
    """This flow run works on this execution.

    Attributes:
        again: marks a later pass: a retry, or a person's Retry.
        others: whatever else of the schedule has not ended, for the first pass over what is scheduled.
    """

    execution: Execution
    schedule: Schedule
    spec: ScheduleSpec
    again: bool
    others: Sequence[Execution] = ()

    @property
    def first_of_scheduled(self) -> bool:
        """Return whether this is the first pass over an occurrence of the schedule."""
        return self.execution.kind is ExecutionKind.SCHEDULED and not self.again


@dataclass(frozen=True, slots=True)
class Stopped:
    """There is nothing for this flow run to do; `reason` says why."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """Another process holds the execution's lease until `until`; it may be dead, which only time tells."""

    reason: Reason
    until: datetime


def _stopped(code: ReasonCode, **values: str | datetime) -> Stopped:
    return Stopped(because(code, **values))


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
        return _stopped(_C.NO_SUCH_SCHEDULE, schedule=schedule_id)
    near = await overlap.near(session, schedule.id, flow_run_id=run.id, due_at=run.due_at)
    claimed = await _claim(session, run, schedule, near, execution_id=execution_id, now=now)
    if isinstance(claimed, Claimed) and claimed.first_of_scheduled:
        return replace(claimed, others=overlap.unfinished(near, besides=claimed.execution.id))
    return claimed


async def _claim(
    session: AsyncSession,
    run: FlowRunFacts,
    schedule: Schedule,
    near: Sequence[Execution],
    *,
    execution_id: str | None,
    now: datetime,
) -> Claimed | Stopped | HeldElsewhere:
    if any(row.flow_run_id == run.id for row in near):
        execution = await executions.of_flow_run(session, run.id)
        if execution is not None:
            return await _again(session, execution, schedule, now)
    if execution_id is not None:
        return await _requested(session, execution_id, schedule, run)
    if not run.scheduled:
        return _by_hand(session, schedule, run, now)
    known = any(
        row.schedule_id == schedule.id and row.due_at == run.due_at and row.kind is ExecutionKind.SCHEDULED
        for row in near
    )
    return await _occurrence(session, schedule, run, known=known, now=now)


async def _occurrence(
    session: AsyncSession, schedule: Schedule, run: FlowRunFacts, *, known: bool, now: datetime
) -> Claimed | Stopped:
    """Claim the occurrence that the run was made for: it is in the ledger, or due by the schedule as it is."""
    spec, due_at = stored_spec(schedule), run.due_at
    if not known:
        business = await business_calendar(session, spec.timing.calendar)
        if not is_due(spec.timing, due_at, business):
            return _stopped(_C.NOT_DUE, due_at=due_at)
        if due_at <= schedule.accounted_until:
            return _stopped(_C.NOT_DUE_THEN, due_at=due_at)
    execution = await lifecycle.insert_occurrence(session, schedule.id, due_at, flow_run_id=run.id, now=now)
    if execution.flow_run_id is None:
        if execution.status is not ExecutionState.PENDING:
            return _stopped(_C.ENDED_BEFORE, state=execution.status, why=words(reason_of(execution)))
        execution.flow_run_id = run.id
    if execution.flow_run_id != run.id:
        return _stopped(_C.IN_ANOTHER_RUN, flow_run=execution.flow_run_id)
    return Claimed(execution, schedule, spec, again=False)


async def _again(
    session: AsyncSession, execution: Execution, schedule: Schedule, now: datetime
) -> Claimed | Stopped | HeldElsewhere:
    if execution.status in (ExecutionState.SUCCESS, ExecutionState.SKIPPED, ExecutionState.MISSED):
        return _stopped(_C.NEVER_REPEATED, state=execution.status)
    if execution.superseded_by:
        return Stopped(reason_of(execution))
    if execution.status.ended and (by := (await overview.corrections_of(session, [execution.id])).get(execution.id)):
        return _stopped(_C.CORRECTED, execution=by)
    if execution.status is ExecutionState.RUNNING and execution.lease_until and execution.lease_until > now:
        return HeldElsewhere(because(_C.HELD_ELSEWHERE), execution.lease_until)
    await delivery_lifecycle.abandon_attempts(session, execution.id, now=now)
    first = execution.status is ExecutionState.PENDING
    return Claimed(execution, schedule, stored_spec(schedule), again=not first)


async def _requested(
    session: AsyncSession, execution_id: str, schedule: Schedule, run: FlowRunFacts
) -> Claimed | Stopped:
    try:
        execution = await executions.get(session, execution_id, lock=True)
    except NotFound:
        return _stopped(_C.NO_SUCH_EXECUTION, execution=execution_id)
    if execution.schedule_id != schedule.id:
        return _stopped(_C.OF_ANOTHER_SCHEDULE, execution=execution_id)
    if execution.flow_run_id and execution.flow_run_id != run.id:
        return _stopped(_C.IN_ANOTHER_RUN, flow_run=execution.flow_run_id)
    again = execution.status is ExecutionState.RETRYING
    if execution.status is not ExecutionState.PENDING and not again:
        return _stopped(_C.ALREADY, state=execution.status)
    execution.flow_run_id = run.id
    return Claimed(execution, schedule, stored_spec(schedule), again=again)


def _by_hand(session: AsyncSession, schedule: Schedule, run: FlowRunFacts, now: datetime) -> Claimed:
    """Make a run-now, with no occurrence behind it, for somebody who pressed Run in Prefect's UI."""
    due_at = run.expected_at.replace(microsecond=0)
    execution = lifecycle.new_execution(schedule.id, ExecutionKind.RUN_NOW, due_at, now=now, flow_run_id=run.id)
    session.add(execution)
    return Claimed(execution, schedule, stored_spec(schedule), again=False)
