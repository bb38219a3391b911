"""Suspends the schedules of owners who leave, and gives schedules to other owners.

Each function works in the caller's transaction.

A schedule whose owner may own schedules no longer is suspended: it is never sent, and never lost. An admin gives it to
another owner, and somebody resumes it.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.ownership import bar_of
from mailroom.access.permissions import Action
from mailroom.access.viewer import viewer_of
from mailroom.audit import member_events as events
from mailroom.audit import repository as audit
from mailroom.connections import grants
from mailroom.context import Context
from mailroom.errors import Conflict, Invalid, NotFound
from mailroom.executions.reasons import ReasonCode, because
from mailroom.ledger.account import account_for_change
from mailroom.limits import service as limits
from mailroom.limits.repository import NOT_COUNTED
from mailroom.notifications.events import OwnerBarred, SuspendedForOwner
from mailroom.notifications.ownership_events import HandedOver, Received
from mailroom.notifications.service import notify
from mailroom.reports import repository as report_repository
from mailroom.schedules import lifecycle
from mailroom.schedules import repository as stored
from mailroom.schedules.lifecycle import Cause
from mailroom.schedules.service import etag
from mailroom.schedules.spec import stored_spec
from mailroom.states import ScheduleState
from mailroom.storage.contention import Overtaken
from mailroom.storage.locks import before_reading
from mailroom.storage.tables import Schedule, User
from mailroom.versions import check_etag


async def suspend_if_barred(session: AsyncSession, owner: User, context: Context) -> list[str]:
    """Suspend the active schedules of a user who may not own schedules; return their ids. Admins get one notice."""
    if bar_of(owner) is None:
        return []
    await before_reading(session)
    query = select(Schedule).where(Schedule.user_id == owner.id, Schedule.state == ScheduleState.ACTIVE)
    rows = (await session.scalars(query.order_by(Schedule.id).with_for_update())).all()
    await account_for_change(session, rows, now=context.now, ended=because(ReasonCode.OWNER_INACTIVE))
    for row in rows:
        lifecycle.move(row, ScheduleState.SUSPENDED, Cause.OWNER, now=context.now)
        audit.record_by(session, events.ScheduleOwnerBarred(row.id, owner.email), context)
    if rows:
        admins = await access.active_admins(session)
        told = [
            *(SuspendedForOwner(owner.id, row.id, row.name) for row in rows),
            *(OwnerBarred(admin.id, owner.email, len(rows)) for admin in admins),
        ]
        await notify(session, told, at=context.now)
    return [row.id for row in rows]


async def reassign(
    session: AsyncSession,
    schedule_id: str,
    to: str,
    context: Context,
    *,
    if_match: str | None = None,
    ahead: int = 0,
) -> Schedule:
    """Give a schedule to another owner; it stays in its state. What it is on record for stays with it.

    Args:
        ahead: how many the new owner would have got before it, in a trial of many.

    Raises:
        NotFound, Forbidden.
        Invalid: there is no such user, or one who may not own it as it is.
        Conflict: `if_match` is stale, or the new owner may not use what the schedule needs.
        LimitReached: the new owner has as many schedules already as a user may.
        Overtaken: it was given away, or began again, while this began.
    """
    try:
        owner = await access.user(session, to, viewer=context.viewer)
    except NotFound as error:
        raise Invalid.at("to", error.message, error.remedy) from error
    if bar_of(owner) is not None:
        message = f"{owner.email} may not own schedules."
        raise Invalid.at("to", message, "Choose an active user whose role is creator or admin.")
    doing = Action.SCHEDULE_REASSIGN
    seen = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing)
    counted = seen.user_id != owner.id and seen.state not in NOT_COUNTED
    if counted:
        await limits.take_schedule(session, owner, context.settings, ahead=ahead)
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=doing, lock=True)
    check_etag(etag(schedule), if_match, noun="schedule")
    if schedule.user_id == owner.id:
        return schedule
    if not counted and schedule.state not in NOT_COUNTED:
        raise Overtaken
    targets = stored_spec(schedule).targets()
    addresses = [address for target in targets for address in target.addresses()]
    limits.refuse_addresses(addresses, owner, context.settings, field="to")
    names = {name for target in targets for name in target.connections()}
    if barred := await grants.not_usable(session, names, viewer=viewer_of(owner)):
        message = f"{owner.email} may not use the connection '{barred[0]}' of this schedule."
        raise Conflict(message, remedy="Grant the connection to the user first, or choose another user.")
    if await report_repository.find(session, schedule.report_id, viewer=viewer_of(owner)) is None:
        message = f"{owner.email} may not see the report '{schedule.report_id}' of this schedule."
        raise Conflict(message, remedy="Let an admin define the report, or choose another user.")
    before = await access.find(session, schedule.user_id)
    assert before is not None, "users are never removed"
    schedule.user_id = owner.id
    lifecycle.changed(schedule, now=context.now)
    audit.record_by(session, events.ScheduleReassigned(schedule.id, [before.email, owner.email]), context)
    of = (schedule.id, schedule.name, context.who)
    told = [Received(owner.id, *of, before.email), HandedOver(before.id, *of, owner.email)]
    await notify(session, told, at=context.now, by=context.user.id)
    return schedule
