"""Create, change and run schedules. Each function works in the caller's transaction; the caller commits, then asks
`deployments` to bring Prefect in step.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.access.ownership import bar_of
from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import events
from mailroom.audit import repository as audit
from mailroom.calendars import repository as calendar_repository
from mailroom.calendars.service import business_calendar
from mailroom.context import Context
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.executions import lifecycle as execution_lifecycle
from mailroom.executions.reasons import ReasonCode, because
from mailroom.ledger.account import account_for_change
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from mailroom.merge_patch import merge_patch
from mailroom.notifications.schedule_events import Changed, Deleted, Paused, Resumed
from mailroom.notifications.service import tell_owner
from mailroom.recipients import repository as recipients
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import lifecycle
from mailroom.schedules import repository as stored
from mailroom.schedules.checks import check, report_faults
from mailroom.schedules.conflicts import repository as conflicts
from mailroom.schedules.conflicts.keys import keys_of
from mailroom.schedules.lifecycle import Cause
from mailroom.schedules.limits.beginning import begins_again, take_if_finished
from mailroom.schedules.listing import repository as listing
from mailroom.schedules.spec import ScheduleSpec, read_spec, readable_spec, spec_data, store_spec, stored_spec
from mailroom.states import ExecutionKind, ScheduleState
from mailroom.storage.contention import Overtaken
from mailroom.storage.tables import Execution, Report, Schedule
from mailroom.timing import BusinessCalendar, occurrences
from mailroom.timing.model import Immediate
from mailroom.versions import check_etag, etag_of

_ENDED = {
    Cause.PAUSE: because(ReasonCode.SCHEDULE_PAUSED),
    Cause.DELETE: because(ReasonCode.SCHEDULE_DELETED),
}
_REQUEST = {ExecutionKind.TEST: Action.SCHEDULE_TEST, ExecutionKind.RUN_NOW: Action.SCHEDULE_RUN}
_BUDGET = {ExecutionKind.TEST: Budget.TESTS, ExecutionKind.RUN_NOW: Budget.RUNS}
_MOVES = {
    Cause.PAUSE: (Action.SCHEDULE_PAUSE, events.SchedulePaused, Paused),
    Cause.RESUME: (Action.SCHEDULE_RESUME, events.ScheduleResumed, Resumed),
    Cause.DELETE: (Action.SCHEDULE_DELETE, events.ScheduleDeleted, Deleted),
}
"""Who may do it, what the audit trail records, and what the owner is told if somebody else does it."""


def _write(schedule: Schedule, spec: ScheduleSpec, business: BusinessCalendar, context: Context) -> None:
    """Write the spec into the row, and when it is due next by it."""
    store_spec(schedule, spec)
    active = schedule.state is ScheduleState.ACTIVE
    schedule.next_run = next(occurrences(spec.timing, context.now, business), None) if active else None


async def _due_at_once(session: AsyncSession, schedule: Schedule, context: Context) -> None:
    """Store the one occurrence of an `immediate` schedule."""
    now = context.now
    await execution_lifecycle.insert_occurrence(session, schedule.id, now, flow_run_id=None, now=now)


async def keep_keys(session: AsyncSession, schedule: Schedule, spec: ScheduleSpec) -> None:
    """Keep what the schedule may collide on with others, whom it sends to, and through what."""
    targets = spec.targets()
    await conflicts.replace_keys(session, schedule.id, keys_of(spec.report_id, spec.name, spec.formats, targets))
    people = [address for target in targets for address in target.addresses()]
    await recipients.replace_addresses(session, schedule.id, people)
    await listing.replace_destinations(session, schedule.id, targets)


async def create(session: AsyncSession, spec: ScheduleSpec, context: Context) -> Schedule:
    """Store a new schedule; an `immediate` one gets its execution at once.

    Raises:
        Invalid: see `check`.
        LimitReached, TooOften: the caller has as many, or has asked for as many runs, as a user may.
    """
    business = await check(session, spec, context)
    await limits.take_schedule(session, context.user, context.settings)
    if isinstance(spec.timing, Immediate):
        await limits.spend(session, context, Budget.RUNS)
    schedule = Schedule(user_id=context.user.id, state=ScheduleState.ACTIVE, is_active=True, generation=0)
    schedule.created_at = schedule.accounted_until = context.now
    lifecycle.changed(schedule, now=context.now)
    _write(schedule, spec, business, context)
    session.add(schedule)
    await session.flush()
    await keep_keys(session, schedule, spec)
    if isinstance(spec.timing, Immediate):
        await _due_at_once(session, schedule, context)
    audit.record_by(session, events.ScheduleCreated(schedule.id, spec_data(schedule)), context)
    return schedule


def etag(schedule: Schedule) -> str:
    """Return the version of the schedule as its user wrote it."""
    return etag_of(schedule.generation)


async def replace(
    session: AsyncSession,
    schedule_id: str,
    spec: ScheduleSpec,
    context: Context,
    *,
    if_match: str | None,
    known_recipients: bool = False,
) -> Schedule:
    """Store a new version of everything a user can set.

    Args:
        known_recipients: whether nobody is new among the recipients, so that the list of suppressions is not asked.

    Raises:
        NotFound, Conflict, Invalid.
    """
    schedule = await _locked(session, schedule_id, spec, context)
    check_etag(etag(schedule), if_match, noun="schedule")
    return await _rewrite(session, schedule, spec, context, known_recipients=known_recipients)


async def patch(
    session: AsyncSession, schedule_id: str, changes: dict[str, Any], context: Context, *, if_match: str | None
) -> Schedule:
    """Apply an RFC 7396 merge patch; it is the merged schedule that is checked.

    Raises:
        NotFound, Conflict, Invalid.
        Overtaken: the schedule was put on another calendar or report while this began.
    """

    def merged(schedule: Schedule) -> ScheduleSpec:
        return read_spec(merge_patch(spec_data(schedule), changes), timezone=context.user.timezone)

    doing = Action.SCHEDULE_CHANGE
    seen = merged(await stored.get(session, schedule_id, viewer=context.viewer, doing=doing))
    schedule = await _locked(session, schedule_id, seen, context)
    check_etag(etag(schedule), if_match, noun="schedule")
    spec = merged(schedule)
    if (spec.timing.calendar, spec.report_id) != (seen.timing.calendar, seen.report_id):
        raise Overtaken
    return await _rewrite(session, schedule, spec, context)


async def _locked(session: AsyncSession, schedule_id: str, spec: ScheduleSpec, context: Context) -> Schedule:
    """Lock the calendar and the report that the schedule is to have, then the schedule, and return the schedule."""
    doing = Action.SCHEDULE_CHANGE
    if spec.timing.calendar is not None:
        await calendar_repository.find(session, spec.timing.calendar, lock=True)
    await report_repository.find(session, spec.report_id, viewer=context.viewer, lock=True)
    seen = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing)
    revived = await take_if_finished(session, seen, spec, context)
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, lock=True)
    if schedule.state is ScheduleState.FINISHED and revived != schedule.user_id and begins_again(schedule, spec):
        raise Overtaken
    return schedule


async def _rewrite(
    session: AsyncSession,
    schedule: Schedule,
    spec: ScheduleSpec,
    context: Context,
    *,
    known_recipients: bool = False,
) -> Schedule:
    owner = await users.find(session, schedule.user_id)
    assert owner is not None, "users are never removed"
    former = readable_spec(schedule)
    business = await check(session, spec, context, owner=owner, before=former, known_recipients=known_recipients)
    before = spec_data(schedule)
    at_once, again = isinstance(spec.timing, Immediate), begins_again(schedule, spec)
    if at_once and again:
        await limits.spend(session, context, Budget.RUNS)
    await account_for_change(session, [schedule], now=context.now)
    if schedule.state is ScheduleState.FINISHED and again:
        lifecycle.move(schedule, ScheduleState.ACTIVE, Cause.NEW_TIMING, now=context.now)
    else:
        lifecycle.changed(schedule, now=context.now)
    _write(schedule, spec, business, context)
    await keep_keys(session, schedule, spec)
    after = spec_data(schedule)
    if at_once and again and schedule.state is ScheduleState.ACTIVE:
        await _due_at_once(session, schedule, context)
    changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    audit.record_by(session, events.ScheduleChanged(schedule.id, changes), context)
    if changes:
        await tell_owner(session, Changed, schedule, context, tuple(changes))
    return schedule


async def _move(
    session: AsyncSession, schedule_id: str, state: ScheduleState, cause: Cause, context: Context, if_match: str | None
) -> Schedule:
    doing, recorded, told = _MOVES[cause]
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, lock=True)
    check_etag(etag(schedule), if_match, noun="schedule")
    if schedule.state is state:
        return schedule
    was = schedule.state
    if not lifecycle.ALLOWED.allows(was, state, cause):
        remedy = "Change its timing so that it has due times in the future." if was is ScheduleState.FINISHED else ""
        raise Conflict(f"The schedule is {was}; it cannot be {recorded.action}.", remedy=remedy)
    await account_for_change(session, [schedule], now=context.now, ended=_ENDED.get(cause))
    lifecycle.move(schedule, state, cause, now=context.now)
    schedule.next_run = None
    if schedule.is_active:
        timing = stored_spec(schedule).timing
        business = await business_calendar(session, timing.calendar)
        schedule.next_run = next(occurrences(timing, context.now, business), None)
    audit.record_by(session, recorded(schedule.id, was), context)
    await tell_owner(session, told, schedule, context)
    return schedule


async def pause(session: AsyncSession, schedule_id: str, context: Context, *, if_match: str | None = None) -> Schedule:
    """Stop a schedule until it is resumed; nothing leaves for it meanwhile.

    Raises:
        NotFound.
        Conflict: it is finished, or `if_match` is stale.
    """
    return await _move(session, schedule_id, ScheduleState.PAUSED, Cause.PAUSE, context, if_match)


async def resume(session: AsyncSession, schedule_id: str, context: Context, *, if_match: str | None = None) -> Schedule:
    """Let a schedule fire again, from its next due time.

    Raises:
        NotFound.
        Conflict: it is finished, its owner may not own schedules, its report has changed and it does not fit any more,
            or `if_match` is stale.
        Overtaken: it was put on another report while this began.
    """
    await _check_fit(session, schedule_id, context)
    schedule = await _move(session, schedule_id, ScheduleState.ACTIVE, Cause.RESUME, context, if_match)
    if bar_of(await users.find(session, schedule.user_id)) is not None:
        message = "The owner of the schedule is disabled, or has a role that may not own schedules."
        raise Conflict(
            message,
            remedy="Give the schedule to another owner first: POST /api/v1/schedules/bulk, reassign.",
            code="reassign_first",
        )
    schedule.consecutive_failures = 0
    return schedule


async def _check_fit(session: AsyncSession, schedule_id: str, context: Context) -> None:
    """Lock the schedule's report and then the schedule; refuse one that does not fit what its report is by now."""
    doing = Action.SCHEDULE_RESUME
    report_id = (await stored.get(session, schedule_id, viewer=context.viewer, doing=doing)).report_id
    # Whether it fits does not depend on who sees the report.
    report = await report_repository.find(session, report_id, viewer=SYSTEM, lock=True)
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, lock=True)
    if schedule.report_id != report_id:
        raise Overtaken
    if schedule.state not in (ScheduleState.PAUSED, ScheduleState.SUSPENDED):
        return
    faults = [Fault("report_id", "The report was deleted.", "Choose another report.")]
    if report is not None:
        faults = misfits(schedule, report)
    if faults:
        message = f"The schedule does not fit its report '{report_id}' any more: {'; '.join(map(str, faults))}"
        raise Conflict(message, remedy="Change the schedule so that it fits, and resume it then.", faults=faults)


def misfits(schedule: Schedule, report: Report) -> list[Fault]:
    """Return what keeps a schedule from running with what its report is by now. Pure."""
    try:
        definition = ReportDefinition.model_validate(report.definition)
    except ValidationError as error:  # An earlier version of Mailroom took what is refused now.
        return Invalid.from_validation(error).faults
    try:
        return report_faults(stored_spec(schedule), definition)
    except Invalid as error:  # A channel that takes these settings no longer, or is not installed here.
        return error.faults


async def delete(session: AsyncSession, schedule_id: str, context: Context, *, if_match: str | None = None) -> Schedule:
    """Delete a schedule: nothing is sent for it from now on. Its history stays; see `deletions` for the undo."""
    schedule = await _move(session, schedule_id, ScheduleState.DELETED, Cause.DELETE, context, if_match)
    if seconds := context.settings.undo_delete_seconds:
        schedule.delete_after = context.now + timedelta(seconds=seconds)
    return schedule


async def request_execution(
    session: AsyncSession,
    schedule_id: str,
    kind: ExecutionKind,
    context: Context,
    *,
    test_recipient: str | None = None,
    if_match: str | None = None,
    ahead: int = 0,
) -> Execution:
    """Ask for an execution now. A test goes to `test_recipient` alone and is marked as a test everywhere.

    Args:
        ahead: how many were asked for before it in a trial of many.

    Raises:
        NotFound: no such schedule.
        Conflict: a run now of a schedule that is not active, or `if_match` is stale.
        Invalid: a test of destinations of which none can be turned to the caller, or whose mail may not go there.
        TooOften: the caller has asked for as many within the hour as a user may.
    """
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=_REQUEST[kind])
    check_etag(etag(schedule), if_match, noun="schedule")
    if kind is ExecutionKind.RUN_NOW and schedule.state is not ScheduleState.ACTIVE:
        message = f"The schedule is {schedule.state}, so nothing is sent for it."
        raise Conflict(message, remedy="Resume the schedule first, or send a test, which goes only to you.")
    if kind is ExecutionKind.TEST:
        caller = test_recipient or context.user.email
        turned = [one for target in stored_spec(schedule).targets() if (one := target.for_test(caller))]
        if not turned:
            raise Invalid.at(
                "destinations", ("A test is not possible, because none of the channels can send only to you.")
            )
        addresses = [address for one in turned for address in one.addresses()]
        limits.refuse_addresses(addresses, context.user, context.settings, field="to")
    await limits.spend(session, context, _BUDGET[kind], ahead=ahead)
    execution = execution_lifecycle.new_execution(
        schedule.id,
        kind,
        context.now.replace(microsecond=0),
        now=context.now,
        requested_by=context.user.id,
        test_recipient=(test_recipient or context.user.email) if kind is ExecutionKind.TEST else None,
    )
    session.add(execution)
    await session.flush()
    asked = events.ScheduleTested if kind is ExecutionKind.TEST else events.ScheduleRunNow
    audit.record_by(session, asked(schedule.id, execution.id), context)
    return execution
