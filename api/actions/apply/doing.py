"""Do one change, with its mark, in one transaction and through the services that REST uses. Thin.

A connection is the exception: its block is in Prefect, so its action has transactions of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.apply.connections import digest_of
from api.actions.apply.observing import Seen
from api.actions.caller import Caller
from api.actions.connections import actions as connection_actions
from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.as_code import repository
from mailroom.as_code.plan import Change, Mark, Observed, Outcome, digest
from mailroom.as_code.spec import (
    ApplyRequest,
    CalendarDocument,
    ConnectionDocument,
    Kind,
    ReportDocument,
    ScheduleDocument,
    TeamDocument,
)
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.context import Context
from mailroom.errors import Conflict, Fault, Invalid, NotFound
from mailroom.members import users as members
from mailroom.reports import service as reports
from mailroom.roles import WIDEST
from mailroom.schedules import calendar_changes
from mailroom.schedules import service as schedules
from mailroom.schedules.calendar_changes import NewCalendar
from mailroom.schedules.ownership import owners
from mailroom.schedules.report_change import save


@dataclass(slots=True)
class Done:
    """Tell what was done: the object, the schedules to bring to Prefect, and the secrets that are still missing."""

    entity_id: str
    schedules: list[str] = field(default_factory=list)
    missing_secrets: tuple[str, ...] = ()


async def do(caller: Caller, change: Change, wanted: ApplyRequest, seen: Seen) -> Done:
    """Do what a change says.

    Raises:
        MailroomError: it is refused, and nothing of it was done.
    """
    if change.outcome is Outcome.DELETED:
        return await _delete(caller, change)
    assert change.read is not None, "only what is pruned has no document"
    if isinstance(change.read.document, ConnectionDocument):
        return await _connection(caller, change, change.read.document, wanted, seen)

    async def work(session: AsyncSession) -> Done:
        done, shape = await _written(session, caller, change, wanted, seen)
        await repository.write_mark(session, _mark(caller, change, wanted, done, shape), now=caller.context.now)
        return done

    try:
        return await caller.transact(work)
    except IntegrityError as error:
        message = f"The {change.kind} '{change.name}' was applied by somebody else at the same time."
        raise Conflict(message, remedy="Apply again.", code="applied_at_once") from error


def _mark(caller: Caller, change: Change, wanted: ApplyRequest, done: Done, shape: str) -> Mark:
    assert change.kind is not None, "only a document without faults is applied"
    by = caller.context.user.email
    return Mark(wanted.bundle, change.kind, change.name, done.entity_id, wanted.source, shape, done.missing_secrets, by)


async def _written(
    session: AsyncSession, caller: Caller, change: Change, wanted: ApplyRequest, seen: Seen
) -> tuple[Done, str]:
    """Write an object of our own tables; return it with the digest of what it is then."""
    context, found = caller.context, change.observed
    assert change.read is not None, "asked before"
    shape = digest(change.read.normal)
    match change.read.document:
        case TeamDocument() as team:
            if found is None:
                return Done((await members.create_team(session, team.settings(), context)).id), shape
            if change.differences:
                await members.change_team(session, found.entity_id, team.settings(), context, if_match=found.etag)
            return Done(found.entity_id), shape
        case CalendarDocument() as calendar:
            if found is None:
                new = NewCalendar(id=calendar.name, **calendar.spec.model_dump())
                await calendar_changes.create(session, new, context)
            elif change.differences:
                await calendar_changes.replace(session, calendar.name, calendar.spec, context, if_match=found.etag)
            return Done(calendar.name), shape
        case ReportDocument() as report:
            return Done(report.name, await _report(session, change, report, wanted, context)), shape
        case ScheduleDocument() as schedule:
            return await _schedule(session, caller, change, schedule, seen)
    raise AssertionError("a connection is done elsewhere")


async def _report(
    session: AsyncSession, change: Change, report: ReportDocument, wanted: ApplyRequest, context: Context
) -> list[str]:
    """Write a report; return the schedules that it suspends."""
    if change.observed is None:
        await reports.save(session, report.spec, context, new=True)
        return []
    if not change.differences:
        return []
    etag, may_suspend = change.observed.etag, wanted.suspend_broken
    saved = await save.replace_report(session, report.spec, context, if_match=etag, suspend_broken=may_suspend)
    return [one.schedule_id for one in saved.suspended]


async def _schedule(
    session: AsyncSession, caller: Caller, change: Change, wanted: ScheduleDocument, seen: Seen
) -> tuple[Done, str]:
    context, found = caller.context, change.observed
    assert change.read is not None, "asked before"
    if found is None:
        acting = await _for_owner(session, context, wanted, seen)
        row = await schedules.create(session, wanted.spec, acting)
        if wanted.state == "paused":
            await schedules.pause(session, row.id, acting)
        return Done(row.id, [row.id]), digest(change.read.normal, acting.user.email)
    owner, etag = found.owner, found.etag
    if "owner" in change.differences and wanted.owner is not None:
        user = seen.owners[wanted.owner]
        moved = await owners.reassign(session, found.entity_id, user.id, context, if_match=etag)
        owner, etag = user.email, schedules.etag(moved)
    if any(place.startswith("spec") for place in change.differences):
        await schedules.replace(session, found.entity_id, wanted.spec, context, if_match=etag)
    if "state" in change.differences:
        move = schedules.pause if wanted.state == "paused" else schedules.resume
        await move(session, found.entity_id, context)
    touched = [found.entity_id] if change.differences else []
    return Done(found.entity_id, touched), digest(change.read.normal, owner)


async def _for_owner(session: AsyncSession, context: Context, wanted: ScheduleDocument, seen: Seen) -> Context:
    """Return the context in which the owner's schedule is made: the owner's rights and limits hold."""
    user = seen.owners[wanted.owner] if wanted.owner is not None else context.user
    if user.id == context.user.id:
        return context
    await access.user(session, user.id, viewer=context.viewer, doing=Action.USER_ACT_FOR)
    acting = replace(context, user=user, scope=WIDEST[user.role], acted_by=context.actor)
    acting.viewer.require_any(Action.SCHEDULE_CREATE)
    return acting


async def _connection(
    caller: Caller, change: Change, document: ConnectionDocument, wanted: ApplyRequest, seen: Seen
) -> Done:
    name, resolved = document.name, seen.resolved[document.name]
    settings = document.spec.model_copy(update={"settings": resolved.settings})
    done = Done(name, missing_secrets=resolved.missing)
    try:
        if name in seen.half_made:
            await connection_actions.replace(caller, name, settings)  # A change makes what was never made.
        elif change.observed is None:
            new = NewConnection(name=name, **settings.model_dump(exclude={"settings"}), settings=resolved.settings)
            await connection_actions.create(caller, new)
        elif change.differences:
            await connection_actions.replace(caller, name, settings, if_match=change.observed.etag)
    except Invalid as error:
        raise Invalid([_needed(fault, resolved.missing) for fault in error.faults]) from None

    async def mark(session: AsyncSession) -> None:
        row = await connection_repository.get(session, name, viewer=caller.viewer)
        shape = digest_of(row)
        await repository.write_mark(session, _mark(caller, change, wanted, done, shape), now=caller.context.now)

    await caller.transact(mark)
    return done


def _needed(fault: Fault, missing: tuple[str, ...]) -> Fault:
    """Say of a secret that this kind cannot do without where it comes from."""
    if fault.field.removeprefix("settings.") not in missing:
        return fault
    remedy = "Write {from_env: NAME} there, and set that variable where the command runs."
    return Fault(fault.field, "This kind of connection needs this secret from the beginning.", remedy, code="needed")


async def _delete(caller: Caller, change: Change) -> Done:
    found = change.observed
    assert found is not None, "what is pruned is there"
    assert found.mark is not None, "only what has a mark is pruned"
    mark = found.mark

    async def work(session: AsyncSession) -> None:
        await _removed(session, caller.context, found)
        await repository.remove_mark(session, mark)

    if mark.kind is Kind.CONNECTION:
        # Prefect is asked within it, so it is not run twice.
        async with caller.session() as session:
            await work(session)
    else:
        await caller.transact(work)
    return Done(found.entity_id, [found.entity_id] if mark.kind is Kind.SCHEDULE else [])


async def _removed(session: AsyncSession, context: Context, found: Observed) -> None:
    """Delete an object; one that somebody has deleted already is as wanted."""
    deletions = {
        Kind.SCHEDULE: schedules.delete,
        Kind.REPORT: reports.delete,
        Kind.CONNECTION: connections.delete,
        Kind.CALENDAR: calendar_changes.delete,
        Kind.TEAM: members.delete_team,
    }
    try:
        await partial(deletions[found.kind], session, found.entity_id, context)()
    except NotFound:
        if not context.viewer.sees_all:
            raise  # It may be there, and not be shown to this caller any more.
