"""Ask again, when a report is rendered, whether its author may still read its source."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.access.permissions import DEFINES, Action
from mailroom.access.viewer import viewer_of
from mailroom.connections import repository as connection_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.storage.tables import Report
from prefect_mailroom.errors import ConfigurationError


async def require_source(session: AsyncSession, report: Report, definition: ReportDefinition) -> None:
    """Refuse a report whose author is disabled, or may not define it any more. The installation's own may always run.

    Raises:
        ConfigurationError: naming the report and the connection of its source.
    """
    if report.owner_id is None:
        return
    source = definition.source
    author = await users.find(session, report.owner_id)
    if author is not None and author.is_active:
        viewer = viewer_of(author)
        needed: Action | None = DEFINES.get(source.kind)
        usable = await connection_repository.named(session, [source.connection], viewer=viewer)
        if usable and (needed is None or viewer.may(needed)):
            return
    raise ConfigurationError(
        f"The author of the report '{report.id}' may not read from the connection '{source.connection}' any more.",
        remedy="Let an admin grant it again, or take the report over.",
        field="source.connection",
    )
