"""Create drafts, fill them in, and let them become schedules. Each function works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.context import Context
from mailroom.drafts import repository as stored
from mailroom.drafts.spec import Part, Saved, body_of, read_part, saved_parts, split
from mailroom.drafts.unsaved import forget_part
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.schedules import repository as schedule_repository
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import in_zone, read_spec, spec_data
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.drafts import ScheduleDraft
from mailroom.storage.tables import Schedule
from mailroom.timing.model import Immediate
from mailroom.versions import etag_of


@dataclass(frozen=True, slots=True)
class Change:
    """The schedule that a draft changes, and the version of it that the draft began from."""

    schedule_id: str
    etag: str


class PartOvertaken(Conflict):
    """Somebody has saved the same part since the caller read it; `saved` is what is kept now."""

    def __init__(self, part: Part, saved: Saved, version: int) -> None:
        super().__init__(
            f"The part '{part}' of the draft was saved again since you read it.",
            remedy="Read the draft again, and repeat your change on the new version.",
            stale=True,
        )
        self.part, self.saved, self.version = part, saved, version


async def create(
    session: AsyncSession,
    body: Mapping[str, Any],
    context: Context,
    *,
    change: Change | None = None,
    starts_paused: bool = False,
    proposed: Collection[Part] = (),
) -> ScheduleDraft:
    """Store a new draft that begins with these fields of a schedule.

    Args:
        change: the schedule that the draft is to change.
        proposed: the parts that a template proposes, and that nobody has saved yet.

    Raises:
        Invalid: naming every field that a schedule does not have.
    """
    now = context.now
    parts = {
        part: Saved(value, 0 if part in proposed else 1, now, context.actor.email)
        for part, value in split(in_zone(dict(body), context.user.timezone)).items()
    }
    row = ScheduleDraft(
        id=new_id(),
        user_id=context.user.id,
        version=1,
        parts={part: saved.as_json() for part, saved in parts.items()},
        starts_paused=starts_paused,
        schedule_id=change.schedule_id if change else None,
        etag=change.etag if change else None,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def create_from_schedule(
    session: AsyncSession, schedule_id: str, context: Context, *, edit: bool
) -> ScheduleDraft:
    """Store a draft with all that a schedule is, to change it or to make another one like it, which starts paused.

    Raises:
        NotFound, Forbidden: the schedule is not there for the caller, or not the caller's to change.
    """
    doing = Action.SCHEDULE_CHANGE if edit else Action.SCHEDULE_READ
    row = await schedule_repository.get(session, schedule_id, viewer=context.viewer, doing=doing)
    body = spec_data(row)
    if edit:
        return await create(session, body, context, change=Change(row.id, schedules.etag(row)))
    body["name"] = f"{body['name'][:190]} (copy)"
    return await create(session, body, context, starts_paused=True)


def etag(row: ScheduleDraft) -> str:
    """Return the version of a draft."""
    return etag_of(row.version)


async def put(
    session: AsyncSession,
    draft_id: str,
    part: Part,
    value: Mapping[str, Any],
    context: Context,
    *,
    version: int | None = None,
) -> ScheduleDraft:
    """Keep a part as it was entered, and forget what came for it with an expired session.

    Args:
        version: the version of the draft that the change is based on; None: the caller does not care. Only a change of
            the same part since then is in the way.

    Raises:
        NotFound, Forbidden.
        Invalid: a field does not belong to the part.
        PartOvertaken: the part was saved again since that version.
        Conflict: the draft has become a schedule already.
    """
    row = await stored.get(session, draft_id, viewer=context.viewer, doing=Action.DRAFT_CHANGE, lock=True)
    _refuse_activated(row)
    new = read_part(part, value)
    before = saved_parts(row.parts).get(part)
    if before is not None and dict(before.value) == new and before.version > 0:
        forget_part(row, part)
        return row
    if before is not None and version is not None and before.version > version:
        raise PartOvertaken(part, before, row.version)
    row.version += 1
    saved = Saved(new, row.version, context.now, context.actor.email)
    row.parts = {**row.parts, part: saved.as_json()}
    row.updated_at = context.now
    forget_part(row, part)
    return row


def _refuse_activated(row: ScheduleDraft) -> None:
    if row.activated_as is not None:
        message = f"The draft has become the schedule {row.activated_as} already."
        raise Conflict(message, remedy="Change that schedule instead.")


async def rebase(session: AsyncSession, draft_id: str, context: Context) -> ScheduleDraft:
    """Let a draft go on from the present version of the schedule that it changes.

    Raises:
        NotFound, Forbidden.
        Conflict: it changes no schedule.
    """
    row = await stored.get(session, draft_id, viewer=context.viewer, doing=Action.DRAFT_CHANGE, lock=True)
    _refuse_activated(row)
    if row.schedule_id is None:
        raise Conflict("The draft changes no schedule; it makes a new one.", remedy="Activate it.")
    doing = Action.SCHEDULE_CHANGE
    schedule = await schedule_repository.get(session, row.schedule_id, viewer=context.viewer, doing=doing)
    row.etag, row.updated_at = schedules.etag(schedule), context.now
    return row


async def edit_of(session: AsyncSession, schedule_id: str, context: Context) -> ScheduleDraft | None:
    """Return the draft by which the caller has begun to change a schedule as it is now, or None.

    Raises:
        NotFound, Forbidden.
    """
    doing = Action.SCHEDULE_CHANGE
    schedule = await schedule_repository.get(session, schedule_id, viewer=context.viewer, doing=doing)
    return await stored.edit_of(session, schedule.id, schedules.etag(schedule), user_id=context.user.id)


async def delete(session: AsyncSession, draft_id: str, context: Context) -> None:
    """Throw a draft away.

    Raises:
        NotFound, Forbidden.
    """
    row = await stored.get(session, draft_id, viewer=context.viewer, doing=Action.DRAFT_DELETE, lock=True)
    await session.delete(row)


async def activate(
    session: AsyncSession, draft_id: str, context: Context, *, paused: bool = False
) -> tuple[Schedule, bool]:
    """Let a draft become a schedule, or change the one that it is for; return it, and whether this call has done it.

    Args:
        paused: whether a new schedule waits until somebody resumes it.

    Raises:
        NotFound, Forbidden.
        Invalid: naming every fault, as for a schedule that is saved.
        Conflict: the schedule was changed since the draft began (`stale`).
    """
    row = await stored.get(session, draft_id, viewer=context.viewer, doing=Action.DRAFT_ACTIVATE, lock=True)
    if row.activated_as is not None:
        doing = Action.SCHEDULE_READ
        return await schedule_repository.get(session, row.activated_as, viewer=context.viewer, doing=doing), False
    spec = read_spec(body_of(saved_parts(row.parts)), timezone=context.user.timezone)
    if row.schedule_id is not None:
        schedule = await schedules.replace(session, row.schedule_id, spec, context, if_match=row.etag)
    else:
        if paused and isinstance(spec.timing, Immediate):
            raise Invalid([Fault("timing.frequency", "A schedule that runs now cannot begin paused.", _NOW)])
        schedule = await schedules.create(session, spec, context)
        if paused:
            schedule = await schedules.pause(session, schedule.id, context)
    row.activated_as, row.unsaved, row.updated_at = schedule.id, None, context.now
    return schedule, True


_NOW = "Activate it, or choose another time."


async def forget(database: Database, settings: Settings, *, now: datetime) -> None:
    """Remove the drafts that nobody has changed for as long as drafts are kept."""
    async with database.session() as session:
        await stored.forget(session, before=now - timedelta(days=settings.draft_days))
