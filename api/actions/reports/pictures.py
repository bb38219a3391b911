"""Show the picture of a report's first page. It is made in the background: whoever asks first gets none yet."""

from __future__ import annotations

import asyncio

from api.actions.caller import Caller
from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.connections import repository as connection_repository
from mailroom.errors import NotFound
from mailroom.rendering.first_page import pictures
from mailroom.reports import repository as report_repository
from mailroom.reports import rights
from mailroom.reports.spec import ReportDefinition


async def picture(caller: Caller, report_id: str) -> tuple[ReportDefinition, bytes | None]:
    """Return a report with the picture of its first page, None where there is none or it is being made.

    Raises:
        NotFound: there is none of that id.
        Forbidden: the caller may not see its data.
    """
    async with caller.session() as session:
        row = await report_repository.get(session, report_id, viewer=caller.viewer, doing=Action.REPORT_PREVIEW)
        definition = ReportDefinition.model_validate(row.definition)
    settings = caller.context.settings
    if not pictures.can_have_one(definition):
        return definition, None
    found = await asyncio.to_thread(pictures.kept, settings, definition.version)
    if found is None:
        caller.services.painter.want(definition.version, lambda: _make(caller, definition))
    return definition, found


async def _make(caller: Caller, definition: ReportDefinition) -> None:
    """Paint a report with what its author may read, in the name of Mailroom.

    Raises:
        MailroomError: why it cannot be.
    """
    context = caller.context
    async with caller.session() as session:
        row = await report_repository.find(session, definition.id, viewer=SYSTEM)
        if row is None:
            raise NotFound(f"The report '{definition.id}' is gone.")
        await rights.require_source(session, row, definition)
        source = await connection_repository.get(session, definition.source.connection, viewer=SYSTEM)
        audit.record(session, CredentialUsed(source.name, "picture", row.id), at=context.now)
    await pictures.make(definition, source, context.settings)
