"""Create drafts, fill them in, and let them become schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.drafts.views import DraftSummary, DraftView, FaultView, PartView
from api.actions.schedules.reads import read as read_schedule
from api.actions.schedules.views import ScheduleView
from api.actions.view import PageView
from mailroom.context import Context
from mailroom.drafts import repository as stored
from mailroom.drafts import service as drafts
from mailroom.drafts import unsaved as unsaved_forms
from mailroom.drafts.checks import faults_of
from mailroom.drafts.spec import Part, body_of, missing, part_of, saved_parts, split
from mailroom.drafts.unsaved import UnsavedForm, kept_for
from mailroom.schedule_templates import repository as templates
from mailroom.schedule_templates.builtin import BUILTIN
from mailroom.storage.model.drafts import ScheduleDraft


@dataclass(frozen=True, slots=True)
class Beginning:
    """Hold what a draft begins with; at most one of `template`, `edits` and `copies`.

    Attributes:
        body: some fields of a schedule, which go before those of the template.
        template: the id of a template.
        edits: the id of a schedule that the draft is to change.
        copies: the id of a schedule that the draft's schedule is to be like; it begins paused.
    """

    body: Mapping[str, Any]
    template: str | None = None
    edits: str | None = None
    copies: str | None = None


async def create(caller: Caller, wanted: Beginning, remember: Remember[DraftView] = forget) -> DraftView:
    """Store a new draft.

    Raises:
        NotFound, Forbidden: the template or the schedule is not there for the caller.
        Invalid: naming every field that a schedule does not have.
    """

    async def change(session: AsyncSession) -> DraftView:
        view = await _view(session, await _begin(session, wanted, caller.context), caller.context)
        await remember(session, view)
        return view

    return await caller.transact(change)


async def _begin(session: AsyncSession, wanted: Beginning, context: Context) -> ScheduleDraft:
    if copied := wanted.edits or wanted.copies:
        row = await drafts.create_from_schedule(session, copied, context, edit=wanted.edits is not None)
        for part, value in split(wanted.body).items():
            await drafts.put(session, row.id, part, value, context)
        return row
    body: dict[str, Any] = {}
    if wanted.template is not None:
        builtin = BUILTIN.get(wanted.template)
        body = dict(builtin.body) if builtin else {}
        if builtin is None:
            body = dict((await templates.get(session, wanted.template, viewer=context.viewer)).body)
    proposed = set(split(body)) - set(split(wanted.body))
    return await drafts.create(session, {**body, **wanted.body}, context, proposed=proposed)


async def page(
    caller: Caller, *, cursor: str | None = None, limit: int = 50, owner: str | None = None
) -> PageView[DraftSummary]:
    """Return a page of the drafts that have not become schedules, the last changed first."""
    async with caller.session() as session:
        found = await stored.list_page(session, viewer=caller.viewer, cursor=cursor, limit=limit, user_id=owner)
    items = [_summary(row, caller.context) for row in found.items]
    return PageView(items=items, next_cursor=found.next_cursor)


async def read(caller: Caller, draft_id: str) -> DraftView:
    """Return one draft with its faults.

    Raises:
        NotFound: there is none of that id.
    """
    async with caller.session() as session:
        row = await stored.get(session, draft_id, viewer=caller.viewer)
        return await _view(session, row, caller.context)


async def edit_of(caller: Caller, schedule_id: str) -> DraftSummary | None:
    """Return the draft by which the caller has begun to change a schedule as it is now, or None.

    Raises:
        NotFound, Forbidden: the schedule is not there for the caller, or not the caller's to change.
    """
    async with caller.session() as session:
        row = await drafts.edit_of(session, schedule_id, caller.context)
    return _summary(row, caller.context) if row else None


async def unsaved(caller: Caller, draft_id: str, part: Part) -> UnsavedForm | None:
    """Return what came for a part with an expired session of the caller's, or None. Only the owner of a draft has it.

    Raises:
        NotFound: there is no draft of that id.
    """
    async with caller.session() as session:
        row = await stored.get(session, draft_id, viewer=caller.viewer)
        return kept_for(row, part) if row.user_id == caller.context.user.id else None


async def put(
    caller: Caller, draft_id: str, part: Part, value: Mapping[str, Any], *, version: int | None = None
) -> DraftView:
    """Keep a part as it was entered; `faults` of the answer says what is wrong with it.

    Raises:
        NotFound, Forbidden.
        Invalid: a field does not belong to the part.
        PartOvertaken: somebody has saved the same part since that version.
    """

    async def change(session: AsyncSession) -> DraftView:
        row = await drafts.put(session, draft_id, part, value, caller.context, version=version)
        return await _view(session, row, caller.context)

    return await caller.transact(change)


async def drop_unsaved(caller: Caller, draft_id: str, part: Part) -> None:
    """Forget what came for a part with an expired session.

    Raises:
        NotFound, Forbidden.
    """
    await caller.transact(lambda session: unsaved_forms.drop(session, draft_id, part, caller.context))


async def rebase(caller: Caller, draft_id: str) -> DraftView:
    """Let a draft go on from the present version of the schedule that it changes.

    Raises:
        NotFound, Forbidden, Conflict.
    """

    async def change(session: AsyncSession) -> DraftView:
        return await _view(session, await drafts.rebase(session, draft_id, caller.context), caller.context)

    return await caller.transact(change)


async def delete(caller: Caller, draft_id: str) -> None:
    """Throw a draft away.

    Raises:
        NotFound, Forbidden.
    """
    await caller.transact(lambda session: drafts.delete(session, draft_id, caller.context))


async def activate(caller: Caller, draft_id: str, *, paused: bool = False) -> ScheduleView:
    """Let a draft become a schedule, or change the one that it is for. Asked again, it answers with the same schedule.

    Raises:
        NotFound, Forbidden.
        Invalid: naming every fault.
        Conflict: the schedule was changed since the draft began (`stale`).
    """

    async def change(session: AsyncSession) -> tuple[str, bool]:
        schedule, done = await drafts.activate(session, draft_id, caller.context, paused=paused)
        return schedule.id, done

    schedule_id, done = await caller.transact(change)
    if done:
        await caller.services.reconciler.settle_schedule(schedule_id)
    return await read_schedule(caller, schedule_id)


def _summary(row: ScheduleDraft, context: Context) -> DraftSummary:
    body = body_of(saved_parts(row.parts))
    name, report_id = body.get("name"), body.get("report_id")
    return DraftSummary(
        id=row.id,
        owner=row.user_id,
        name=name if isinstance(name, str) else "",
        report_id=report_id if isinstance(report_id, str) else None,
        schedule_id=row.schedule_id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.updated_at + timedelta(days=context.settings.draft_days),
    )


async def _view(session: AsyncSession, row: ScheduleDraft, context: Context) -> DraftView:
    parts = saved_parts(row.parts)
    body = body_of(parts)
    found = await faults_of(session, body, context, schedule_id=row.schedule_id) if row.activated_as is None else []
    here = f"/api/v1/drafts/{row.id}"
    return DraftView(
        **_summary(row, context).model_dump(),
        parts={
            part: PartView(value=dict(one.value), version=one.version, saved_at=one.at, saved_by=one.by)
            for part, one in parts.items()
        },
        missing=missing(parts, body),
        faults=[
            FaultView(part=part_of(one.field), field=one.field, message=one.message, remedy=one.remedy) for one in found
        ],
        starts_paused=row.starts_paused,
        activated_as=row.activated_as,
        schedule_etag=row.etag,
        etag=drafts.etag(row),
        links={"self": here, "activate": f"{here}/activate"},
    ).remember(found)
