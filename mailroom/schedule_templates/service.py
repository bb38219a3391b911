"""Keep templates, change and share them. Each function works in the caller's transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.sharing import GrantedTo, audience_of, replace_subjects, subjects_kept
from mailroom.audit import repository as audit
from mailroom.audit import template_events as events
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.schedule_templates import repository as stored
from mailroom.schedule_templates.builtin import BUILTIN
from mailroom.schedule_templates.spec import TemplateSpec
from mailroom.storage.database import new_id
from mailroom.storage.model.drafts import ScheduleTemplate, TemplateShare
from mailroom.versions import check_etag, etag_of


def etag(row: ScheduleTemplate) -> str:
    """Return the version of a template."""
    return etag_of(row.version)


def settings_of(row: ScheduleTemplate) -> dict[str, Any]:
    """Return a template as its user wrote it."""
    return {"title": row.title, "description": row.description, "body": row.body}


async def create(session: AsyncSession, spec: TemplateSpec, context: Context) -> ScheduleTemplate:
    """Store a new template of the caller."""
    now = context.now
    row = ScheduleTemplate(id=new_id(), user_id=context.user.id, version=1, created_at=now, updated_at=now)
    row.title, row.description, row.body = spec.title, spec.description, spec.body
    session.add(row)
    await session.flush()
    audit.record_by(session, events.TemplateCreated(row.id, settings_of(row)), context)
    return row


async def replace(
    session: AsyncSession, template_id: str, spec: TemplateSpec, context: Context, *, if_match: str | None
) -> ScheduleTemplate:
    """Store a new version of a template. Schedules that were made from it stay as they are.

    Raises:
        NotFound, Forbidden.
        Conflict: `if_match` is stale, or the template comes with Mailroom.
    """
    row = await _mine(session, template_id, context, Action.TEMPLATE_CHANGE)
    check_etag(etag(row), if_match, noun="template")
    before = settings_of(row)
    row.title, row.description, row.body = spec.title, spec.description, spec.body
    after = settings_of(row)
    changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changes:
        row.version, row.updated_at = row.version + 1, context.now
        audit.record_by(session, events.TemplateChanged(row.id, changes), context)
    return row


async def delete(session: AsyncSession, template_id: str, context: Context, *, if_match: str | None) -> None:
    """Remove a template. Schedules that were made from it stay as they are.

    Raises:
        NotFound, Forbidden.
        Conflict: `if_match` is stale, or the template comes with Mailroom.
    """
    row = await _mine(session, template_id, context, Action.TEMPLATE_DELETE)
    check_etag(etag(row), if_match, noun="template")
    audit.record_by(session, events.TemplateDeleted(row.id, settings_of(row)), context)
    await session.delete(row)


async def shared_with(session: AsyncSession, template_id: str, context: Context) -> GrantedTo:
    """Return with whom a template is shared.

    Raises:
        NotFound, Forbidden.
        Conflict: the template comes with Mailroom.
    """
    row = await _mine(session, template_id, context, Action.TEMPLATE_SHARE, lock=False)
    return audience_of(await subjects_kept(session, TemplateShare, row.id))


async def share(session: AsyncSession, template_id: str, wanted: GrantedTo, context: Context) -> GrantedTo:
    """Let these use a template, and nobody else but its owner and admins.

    Raises:
        NotFound, Forbidden, Invalid.
        Conflict: the template comes with Mailroom.
    """
    row = await _mine(session, template_id, context, Action.TEMPLATE_SHARE)
    before, after = await replace_subjects(session, TemplateShare, row.id, wanted, viewer=context.viewer)
    if after != before:
        audit.record_by(session, events.TemplateShared(row.id, [before, after]), context)
    return audience_of(after)


async def _mine(
    session: AsyncSession, template_id: str, context: Context, doing: Action, *, lock: bool = True
) -> ScheduleTemplate:
    if template_id in BUILTIN:
        message = "This template comes with Mailroom; it is for everybody, and nobody changes it."
        raise Conflict(message, remedy="Make a template of your own from it.")
    return await stored.get(session, template_id, viewer=context.viewer, doing=doing, lock=lock)
