"""Bring a deleted schedule back as it was, while its deletion can be undone. It works in the caller's transaction."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.access.ownership import bar_of
from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleUndeleted
from mailroom.calendars.service import business_calendars
from mailroom.context import Context
from mailroom.ledger.account import account_for_change
from mailroom.limits import service as limits
from mailroom.limits.repository import NOT_COUNTED
from mailroom.notifications.schedule_events import Restored
from mailroom.notifications.service import tell_owner
from mailroom.reports import repository as report_repository
from mailroom.schedules import lifecycle
from mailroom.schedules import repository as stored
from mailroom.schedules.lifecycle import Cause
from mailroom.schedules.service import etag, misfits
from mailroom.schedules.spec import stored_spec
from mailroom.states import ScheduleState
from mailroom.storage.tables import Report, Schedule, User
from mailroom.timing import BusinessCalendar, occurrences
from mailroom.versions import check_etag


async def undelete(
    session: AsyncSession, schedule_id: str, context: Context, *, if_match: str | None = None
) -> Schedule:
    """Undo the deletion of a schedule; one that is not deleted stays as it is.

    It gets its state back. An active one fires again from its next due time: what was due meanwhile was not sent, as
    while a schedule is paused. One that may not run by now, such as when its report was deleted, comes back suspended.

    Raises:
        NotFound: there is no such schedule, or its deletion cannot be undone any more.
        Conflict: `if_match` is stale.
        LimitReached: its owner has as many other schedules by now as a user may.
    """
    doing, now = Action.SCHEDULE_DELETE, context.now
    seen = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, undoable_at=now)
    # In the order of `mailroom.storage.locks`. Nothing changes the report or the owner of a deleted schedule.
    report = await report_repository.find(session, seen.report_id, viewer=SYSTEM, lock=True)
    owner = await users.find(session, seen.user_id)
    assert owner is not None, "users are never removed"
    if seen.state is ScheduleState.DELETED and seen.deleted_from not in NOT_COUNTED:
        await limits.take_schedule(session, owner, context.settings)
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, lock=True, undoable_at=now)
    check_etag(etag(schedule), if_match, noun="schedule")
    if schedule.state is not ScheduleState.DELETED:
        return schedule
    assert schedule.deleted_from is not None, "each deletion keeps it"
    timing = stored_spec(schedule).timing
    calendars = await business_calendars(session, [timing.calendar] if timing.calendar else [])
    faults = _faults(schedule, report, owner)
    if timing.calendar and timing.calendar not in calendars:
        faults.append(f"Its calendar '{timing.calendar}' was deleted.")
    state = schedule.deleted_from
    if state is ScheduleState.ACTIVE and faults:
        state = ScheduleState.SUSPENDED
    await account_for_change(session, [schedule], now=now)
    lifecycle.move(schedule, state, Cause.UNDELETE, now=now)
    if schedule.is_active:
        business = calendars.get(timing.calendar or "", BusinessCalendar())
        schedule.next_run = next(occurrences(timing, now, business), None)
    told = faults if state is ScheduleState.SUSPENDED else []
    audit.record_by(session, ScheduleUndeleted(schedule.id, state, told), context)
    await tell_owner(session, Restored, schedule, context, " ".join(told))
    return schedule


def _faults(schedule: Schedule, report: Report | None, owner: User) -> list[str]:
    """Return what keeps the schedule from running by now. Pure."""
    if bar_of(owner) is not None:
        return ["The owner of the schedule is disabled, or has a role that may not own schedules."]
    if report is None:
        return ["The report was deleted."]
    return [str(fault) for fault in misfits(schedule, report)]
