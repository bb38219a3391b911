"""Look at reports and change them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.reports.views import ReportSummary, ReportVersion, ReportView
from api.actions.view import PageView
from mailroom.access import identity as identities
from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed, ReportPreviewed
from mailroom.audit.events import IdentitySent, ReportCreated, ReportUpdated
from mailroom.audit.repository import AuditFilter
from mailroom.connections import repository as connection_repository
from mailroom.limits import service as limits
from mailroom.limits.decide import limits_for
from mailroom.limits.spec import Budget
from mailroom.rendering import previews
from mailroom.rendering.as_owner import varies_by_user
from mailroom.rendering.previews import Reader
from mailroom.reports import repository as report_repository
from mailroom.reports import service as reports
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.report_change import save
from mailroom.schedules.report_change.broken import Broken
from mailroom.storage.tables import Connection, Report

_MOST_VERSIONS = 50


async def every(caller: Caller, *, search: str | None = None) -> PageView[ReportSummary]:
    """Return every report by title, or those that have the search in title, id or description, without definitions."""
    async with caller.session() as session:
        rows = await report_repository.catalog(session, viewer=caller.viewer, search=search)
    return PageView(items=[ReportSummary(**_summary(row.report, row.owner), used_by=row.used_by) for row in rows])


async def read(caller: Caller, report_id: str) -> ReportView:
    """Return one report with its definition.

    Raises:
        NotFound: there is none of that id.
    """
    async with caller.session() as session:
        row = await report_repository.get(session, report_id, viewer=caller.viewer)
        (listed,) = await report_repository.catalog(session, viewer=caller.viewer, report_id=row.id)
        return _view(row, owner=listed.owner).model_copy(update={"used_by": listed.used_by})


async def versions(caller: Caller, report_id: str) -> PageView[ReportVersion]:
    """Return the last versions of a report, the present one first.

    Raises:
        NotFound: there is none of that id.
    """
    async with caller.session() as session:
        row = await report_repository.get(session, report_id, viewer=caller.viewer)
        # Whoever may read a report may know who has changed it, though not read the trail itself.
        saved = []
        for event in (ReportUpdated, ReportCreated):
            wanted = AuditFilter(entity_type=event.entity_type, entity_id=row.id, action=event.action)
            saved += (await audit.list_page(session, viewer=SYSTEM, wanted=wanted, limit=_MOST_VERSIONS)).items
    return PageView(
        items=[
            ReportVersion(
                version=one.detail["version"],
                at=one.at,
                by=one.on_behalf_of or one.actor,
                first=one.action == ReportCreated.action,
                changed=sorted(one.detail["changes"]) if one.action == ReportUpdated.action else [],
            )
            for one in sorted(saved, key=lambda one: one.at, reverse=True)
        ]
    )


async def create(caller: Caller, definition: ReportDefinition, remember: Remember[ReportView] = forget) -> ReportView:
    """Store a new report.

    Raises:
        Conflict, Invalid.
    """

    async def change(session: AsyncSession) -> ReportView:
        view = _view(*await reports.save(session, definition, caller.context, new=True))
        await remember(session, view)
        return view

    return await caller.transact(change)


async def replace(
    caller: Caller, definition: ReportDefinition, *, if_match: str | None, suspend_broken: bool
) -> ReportView:
    """Replace the definition of a report; the answer names each schedule that it breaks, with its owner.

    Args:
        suspend_broken: whether active schedules that it breaks may be suspended.

    Raises:
        NotFound, Conflict, Invalid.
        BreaksSchedules: active schedules would break, and may not be suspended.
    """

    async def change(session: AsyncSession) -> tuple[ReportView, list[str]]:
        saved = await save.replace_report(
            session, definition, caller.context, if_match=if_match, suspend_broken=suspend_broken
        )
        suspended = [one.schedule_id for one in saved.suspended]
        warnings = [*saved.warnings, *_broken(saved.suspended, "suspended"), *_broken(saved.unfit, "not suspended")]
        return _view(saved.report, warnings).model_copy(update={"suspended": suspended}), suspended

    view, suspended = await caller.transact(change)
    await asyncio.gather(*(caller.services.reconciler.settle_schedule(one) for one in suspended))
    return view


def _broken(broken: Sequence[Broken], became: str) -> list[str]:
    named = [f"{one} It was {became}." for one in broken[: save.MOST_NAMED]]
    if left_out := len(broken) - len(named):
        named.append(f"It breaks {left_out} more schedules, which were {became}.")
    return named


async def delete(caller: Caller, report_id: str, *, if_match: str | None) -> None:
    """Delete a report that no schedule uses.

    Raises:
        NotFound, Conflict.
    """
    await caller.transact(lambda session: reports.delete(session, report_id, caller.context, if_match=if_match))


async def preview(caller: Caller, report_id: str, parameters: dict[str, Any]) -> bytes:
    """Render a report as HTML with today's data, within narrow limits.

    Raises:
        NotFound, ParametersInvalid, MailroomError.
        TooOften: the caller has asked for as many within the hour as a user may.
    """
    definition, source, reader = await caller.transact(partial(begin_preview, caller, report_id))
    async with caller.services.previews:
        return await previews.preview_html(
            definition,
            source,
            parameters,
            timezone=caller.context.user.timezone,
            settings=caller.context.settings,
            reader=reader,
        )


async def begin_preview(
    caller: Caller, report_id: str, session: AsyncSession
) -> tuple[ReportDefinition, Connection, Reader]:
    """Return what a preview of a report is made of, and record who looks at it with whose credentials.

    Raises:
        NotFound, TooOften.
    """
    context = caller.context
    row = await report_repository.get(session, report_id, viewer=caller.viewer, doing=Action.REPORT_PREVIEW)
    definition = ReportDefinition.model_validate(row.definition)
    # Whoever may see a report of the installation may read its source through it, and through nothing else.
    viewer = SYSTEM if row.owner_id is None else caller.viewer
    source = await connection_repository.get(session, definition.source.connection, viewer=viewer)
    identity = await identities.of(session, context.user, acted_by=context.acted_by)
    audit.record_by(session, ReportPreviewed(row.id, row.version), context)
    audit.record_by(session, CredentialUsed(source.name, "preview", row.id), context)
    if varies_by_user(definition):
        audit.record_by(session, IdentitySent(row.id, source.name), context)
    await limits.spend(session, context, Budget.PREVIEWS)
    return definition, source, Reader(limits_for(context.user, context.settings), context.user.id, identity)


def _view(row: Report, warnings: list[str] | None = None, *, owner: str | None = None) -> ReportView:
    return ReportView(**_summary(row, owner), definition=row.definition, owner_id=row.owner_id, warnings=warnings or [])


def _summary(row: Report, owner: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "description": row.definition.get("description", ""),
        "formats": row.definition.get("formats", []),
        "owner": row.definition.get("owner") or owner or "",
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
