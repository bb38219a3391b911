"""What can be done with schedules. Each function works in the caller's transaction; the caller commits, then asks
`deployments` to bring Prefect in step.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.audit import repository as audit
from mailroom.calendars.service import business_calendar
from mailroom.connections import repository as connection_repository
from mailroom.context import Context
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.executions import repository as executions
from mailroom.ledger.account import account_for_change
from mailroom.reports import repository as report_repository
from mailroom.reports.parameters import ParametersInvalid, check_parameters
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as stored
from mailroom.schedules.conflicts import repository as conflicts
from mailroom.schedules.conflicts.keys import keys_of
from mailroom.schedules.forecast import jitter_faults, timing_faults
from mailroom.schedules.spec import ScheduleSpec, spec_data, store_spec, stored_spec
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState, SyncState, may_become
from mailroom.storage.tables import Execution, Schedule
from mailroom.timing import BusinessCalendar, occurrences
from mailroom.timing.model import Immediate
from mailroom.versions import check_etag, etag_of
from prefect_mailroom.channel import Destination
from prefect_mailroom.variables import PARAMETER_PREFIX, parameter_names


def _variable_faults(targets: list[Destination], parameters: dict[str, Any]) -> list[Fault]:
    """Variables `{param_…}` of subjects and paths that the report's parameters do not have."""
    known = parameters.get("properties", {})
    faults = []
    for index, target in enumerate(targets):
        for field_name in ("subject", "path"):
            template = getattr(target, field_name, None) or ""
            for name in parameter_names(template):
                if name.removeprefix(PARAMETER_PREFIX) not in known:
                    message = f"uses {{{name}}}, and the report has no such parameter."
                    remedy = f"It has: {', '.join(known) or 'none'}."
                    faults.append(Fault(f"destinations.{index}.{field_name}", message, remedy))
    return faults


async def _check_targets(session: AsyncSession, targets: list[Destination], viewer: Viewer) -> list[Fault]:
    known = await connection_repository.named(session, [target.connection for target in targets], viewer=viewer)
    faults = []
    for index, target in enumerate(targets):
        row = known.get(target.connection)
        place = f"destinations.{index}.connection"
        if row is None:
            message = f"names the connection '{target.connection}', which does not exist."
            faults.append(Fault(place, message, "GET /api/v1/connections lists them."))
        elif row.kind != target.channel:
            message = f"names '{target.connection}', which is of kind {row.kind}, not {target.channel}."
            faults.append(Fault(place, message, "Choose a connection of the destination's channel."))
    return faults


async def check(session: AsyncSession, spec: ScheduleSpec, context: Context) -> BusinessCalendar:
    """Refuse what can never run; returns the schedule's calendar.

    Raises:
        Invalid: naming every fault.
    """
    faults: list[Fault] = []
    business = BusinessCalendar()
    try:
        business = await business_calendar(session, spec.timing.calendar, lock=True)
    except Invalid as error:
        faults += error.faults
    least = timedelta(seconds=context.settings.minimum_interval_seconds)
    faults += timing_faults(spec.timing, business, now=context.now, least=least)
    faults += jitter_faults(spec.policy.jitter, spec.timing, business, now=context.now)
    faults += await _check_targets(session, spec.targets(), context.viewer)
    report = await report_repository.find(session, spec.report_id, viewer=context.viewer)
    if report is None:
        message = f"names the report '{spec.report_id}', which does not exist."
        faults.append(Fault("report_id", message, "GET /api/v1/reports lists them."))
    else:
        definition = ReportDefinition.model_validate(report.definition)
        faults += [
            Fault(
                f"formats.{index}",
                f"'{wanted}' is not made by this report.",
                f"Choose from: {', '.join(definition.formats)}.",
            )
            for index, wanted in enumerate(spec.formats)
            if wanted not in definition.formats
        ]
        faults += _variable_faults(spec.targets(), definition.parameters)
        try:
            check_parameters(definition.parameters, spec.parameters)
        except ParametersInvalid as error:
            faults += [Fault(f"parameters.{problem.field}", problem.message) for problem in error.problems]
    if faults:
        raise Invalid(faults)
    return business


def _stage(schedule: Schedule, spec: ScheduleSpec, business: BusinessCalendar, context: Context) -> None:
    """Write the spec and mark the schedule as changed."""
    store_spec(schedule, spec)
    active = schedule.state is ScheduleState.ACTIVE
    schedule.next_run = next(occurrences(spec.timing, context.now, business), None) if active else None
    _changed(schedule, context)


async def _keep_keys(session: AsyncSession, schedule: Schedule, spec: ScheduleSpec) -> None:
    """Keep what the schedule may collide on with others."""
    keys = keys_of(spec.report_id, spec.name, spec.formats, spec.targets())
    await conflicts.replace_keys(session, schedule.id, keys)


def _changed(schedule: Schedule, context: Context) -> None:
    schedule.generation = (schedule.generation or 0) + 1
    schedule.sync_state, schedule.sync_error, schedule.updated_at = SyncState.PENDING, "", context.now


def _audit(session: AsyncSession, schedule: Schedule, context: Context, action: str, **detail: Any) -> None:
    audit.record(
        session,
        at=context.now,
        actor=context.user.email,
        action=action,
        entity_type="schedule",
        entity_id=schedule.id,
        detail=detail,
    )


async def create(session: AsyncSession, spec: ScheduleSpec, context: Context) -> Schedule:
    """Store a new schedule; an `immediate` one gets its execution at once.

    Raises:
        Invalid: see `check`.
    """
    business = await check(session, spec, context)
    schedule = Schedule(user_id=context.user.id, state=ScheduleState.ACTIVE, is_active=True, generation=0)
    schedule.created_at = schedule.accounted_until = context.now
    _stage(schedule, spec, business, context)
    session.add(schedule)
    await session.flush()
    await _keep_keys(session, schedule, spec)
    if isinstance(spec.timing, Immediate):
        await executions.insert_occurrence(session, schedule.id, context.now, flow_run_id=None, now=context.now)
    _audit(session, schedule, context, "created", spec=spec_data(schedule))
    return schedule


def etag(schedule: Schedule) -> str:
    """The version of the schedule as its user wrote it."""
    return etag_of(schedule.generation)


async def replace(
    session: AsyncSession, schedule_id: str, spec: ScheduleSpec, context: Context, *, if_match: str | None
) -> Schedule:
    """Store a new version of everything a user can set.

    Raises:
        NotFound, Conflict, Invalid.
    """
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, lock=True)
    check_etag(etag(schedule), if_match, noun="schedule")
    business = await check(session, spec, context)
    await account_for_change(session, [schedule], now=context.now)
    before = spec_data(schedule)
    at_once = isinstance(spec.timing, Immediate)
    again = not at_once or spec.timing.model_dump(mode="json") != before["timing"]
    if schedule.state is ScheduleState.FINISHED and again:
        schedule.state, schedule.is_active = ScheduleState.ACTIVE, True
    _stage(schedule, spec, business, context)
    await _keep_keys(session, schedule, spec)
    after = spec_data(schedule)
    if at_once and again and schedule.state is ScheduleState.ACTIVE:
        await executions.insert_occurrence(session, schedule.id, context.now, flow_run_id=None, now=context.now)
    _audit(
        session,
        schedule,
        context,
        "changed",
        changes={k: [before[k], after[k]] for k in after if before[k] != after[k]},
    )
    return schedule


async def _move(
    session: AsyncSession,
    schedule_id: str,
    state: ScheduleState,
    context: Context,
    *,
    if_match: str | None,
    action: str,
) -> Schedule:
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, lock=True)
    check_etag(etag(schedule), if_match, noun="schedule")
    if schedule.state is state:
        return schedule
    if not may_become(schedule.state, state):
        message = f"The schedule is {schedule.state}; it cannot become {state}."
        raise Conflict(message, remedy="Change its timing first." if schedule.state is ScheduleState.FINISHED else "")
    was = schedule.state
    ended = "" if state is ScheduleState.ACTIVE else f"The schedule was {action} before a run began."
    await account_for_change(session, [schedule], now=context.now, ended=ended)
    schedule.state, schedule.is_active, schedule.next_run = state, state is ScheduleState.ACTIVE, None
    if schedule.is_active:
        timing = stored_spec(schedule).timing
        business = await business_calendar(session, timing.calendar)
        schedule.next_run = next(occurrences(timing, context.now, business), None)
    _changed(schedule, context)
    _audit(session, schedule, context, action, was=was)
    return schedule


async def pause(session: AsyncSession, schedule_id: str, context: Context, *, if_match: str | None = None) -> Schedule:
    """Stop it until it is resumed; nothing leaves for it meanwhile."""
    return await _move(session, schedule_id, ScheduleState.PAUSED, context, if_match=if_match, action="paused")


async def resume(session: AsyncSession, schedule_id: str, context: Context, *, if_match: str | None = None) -> Schedule:
    """Let it fire again, from its next due time."""
    schedule = await _move(session, schedule_id, ScheduleState.ACTIVE, context, if_match=if_match, action="resumed")
    schedule.consecutive_failures = 0
    return schedule


async def delete(session: AsyncSession, schedule_id: str, context: Context, *, if_match: str | None = None) -> Schedule:
    """Remove it for users; its history stays."""
    schedule = await _move(session, schedule_id, ScheduleState.DELETED, context, if_match=if_match, action="deleted")
    schedule.deleted_at = context.now
    return schedule


async def request_execution(
    session: AsyncSession, schedule_id: str, kind: ExecutionKind, context: Context, *, test_recipient: str | None = None
) -> Execution:
    """Ask for an execution now. A test goes to `test_recipient` alone and is marked as a test everywhere.

    Raises:
        NotFound: no such schedule.
        Conflict: a run now of a schedule that is not active.
        Invalid: a test of destinations of which none can be turned to the caller.
    """
    schedule = await stored.get(session, schedule_id, viewer=context.viewer)
    if kind is ExecutionKind.RUN_NOW and schedule.state is not ScheduleState.ACTIVE:
        message = f"The schedule is {schedule.state}; nothing leaves for it."
        raise Conflict(message, remedy="Resume it first, or send a test, which goes to you alone.")
    if kind is ExecutionKind.TEST:
        caller = test_recipient or context.user.email
        if not any(target.for_test(caller) for target in stored_spec(schedule).targets()):
            raise Invalid.at("destinations", "cannot be tested: none of their channels can send to you alone.")
    execution = Execution(
        schedule_id=schedule.id,
        kind=kind,
        due_at=context.now.replace(microsecond=0),
        status=ExecutionState.PENDING,
        requested_by=context.user.id,
        test_recipient=(test_recipient or context.user.email) if kind is ExecutionKind.TEST else None,
        created_at=context.now,
    )
    session.add(execution)
    await session.flush()
    _audit(session, schedule, context, str(kind), execution=execution.id)
    return execution


def patched(schedule: Schedule, patch: dict[str, Any]) -> dict[str, Any]:
    """The body that results from an RFC 7396 merge patch of the schedule."""
    merged: dict[str, Any] = _merge(spec_data(schedule), patch)
    return merged


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result
