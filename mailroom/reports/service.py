"""Stores, replaces and deletes reports. Each function works in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import DEFINES, Action
from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.audit import repository as audit
from mailroom.audit.differences import differences
from mailroom.audit.events import ReportCreated, ReportDeleted, ReportUpdated
from mailroom.connections import repository as connection_repository
from mailroom.context import Context
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.reports import repository as report_repository
from mailroom.reports.checks import check_definition
from mailroom.reports.spec import ReportDefinition
from mailroom.storage.tables import Report
from mailroom.versions import check_etag, etag_of

_SAVED = {"created": ReportCreated, "updated": ReportUpdated}


async def store_definition(
    session: AsyncSession, definition: ReportDefinition, *, now: datetime, actor: str
) -> tuple[Report, str]:
    """Store a definition that was checked before; return the report with `created`, `updated` or `unchanged`.

    Its source's connection may be made afterwards.
    """
    before = await report_repository.locked_definition(session, definition.id)
    row, outcome = await report_repository.save(session, definition, now=now)
    if outcome != "unchanged":
        event = _SAVED[outcome](row.id, row.version, differences(before or {}, row.definition))
        audit.record(session, event, at=now, actor=actor)
    return row, outcome


async def check(session: AsyncSession, definition: ReportDefinition, *, viewer: Viewer) -> list[str]:
    """Refuse a definition that can never render, or that the viewer may not make; returns warnings.

    Raises:
        Forbidden: the viewer may not define reports of this kind of source.
        Invalid: naming every fault by its place in the definition.
    """
    if needed := DEFINES.get(definition.source.kind):
        viewer.require(needed)
    faults, warnings = [], []
    for found in check_definition(definition):
        place = ".".join(str(part) for part in found.at)
        if found.severity == "warning":
            warnings.append(f"{place}: {found.message}")
            continue
        line = f" (line {found.line})" if found.line > 1 else ""
        faults.append(Fault(place, f"{found.message}{line}", found.remedy))
    source = definition.source
    row = (await connection_repository.named(session, [source.connection], viewer=viewer)).get(source.connection)
    if row is None:
        message = f"There is no connection '{source.connection}'."
        faults.append(Fault("source.connection", message, "GET /api/v1/connections lists them.", code="no_connection"))
    elif row.kind != source.kind:
        message = f"The connection '{row.name}' is of kind {row.kind}, not {source.kind}."
        faults.append(Fault("source.connection", message, "Choose a connection of the source's kind."))
    if faults:
        raise Invalid(faults)
    return warnings


async def save(
    session: AsyncSession,
    definition: ReportDefinition,
    context: Context,
    *,
    new: bool,
    if_match: str | None = None,
) -> tuple[Report, list[str]]:
    """Store a report; returns it with warnings.

    Raises:
        NotFound: there is none to replace.
        Conflict: a new one has a known id, or `if_match` is stale.
        Invalid: see `check`.
    """
    before: dict[str, Any] = {}
    if new:
        row, warnings, outcome = await _create(session, definition, context)
    else:
        row = await report_repository.get(
            session, definition.id, viewer=context.viewer, doing=Action.REPORT_CHANGE, lock=True
        )
        check_etag(etag(row), if_match, noun="report")
        warnings = await check(session, definition, viewer=context.viewer)
        before = row.definition
        row, outcome = await report_repository.save(session, definition, now=context.now)
    if outcome != "unchanged":
        event = _SAVED[outcome](row.id, row.version, differences(before, row.definition))
        audit.record_by(session, event, context)
    return row, warnings


async def _create(
    session: AsyncSession, definition: ReportDefinition, context: Context
) -> tuple[Report, list[str], str]:
    message = f"A report with the id '{definition.id}' already exists."
    taken = Conflict(message, remedy="Choose another id, or change the existing report with PUT.")
    if await report_repository.find(session, definition.id, viewer=SYSTEM):
        raise taken  # Said before the faults of a definition that is not wanted here.
    warnings = await check(session, definition, viewer=context.viewer)
    # What an admin defines belongs to the installation, and is there for all who create schedules.
    owner = None if context.viewer.sees_all else context.user.id
    if (created := await report_repository.create(session, definition, owner_id=owner, now=context.now)) is None:
        raise taken
    return created[0], warnings, created[1]


async def delete(session: AsyncSession, report_id: str, context: Context, *, if_match: str | None = None) -> None:
    """Take a report away from users; executions that used it keep their proof.

    Raises:
        NotFound.
        Conflict: schedules use it, or `if_match` is stale.
    """
    row = await report_repository.get(session, report_id, viewer=context.viewer, doing=Action.REPORT_DELETE, lock=True)
    check_etag(etag(row), if_match, noun="report")
    if count := await report_repository.count_schedules(session, report_id):
        message = f"The report '{report_id}' is used by {count} schedule{'s' if count > 1 else ''}."
        raise Conflict(
            message,
            remedy=(f"Delete those schedules first. GET /api/v1/schedules/?report_id={report_id} lists them."),
            code="report_in_use",
        )
    row.is_active, row.updated_at = False, context.now
    audit.record_by(session, ReportDeleted(row.id, row.version), context)


def etag(row: Report) -> str:
    """Return the version of a report as an ETag."""
    return etag_of(row.version)
