"""Renders a report to files here, as its schedules would."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.output import err
from embedded import bootstrap
from mailroom.access.viewer import SYSTEM
from mailroom.connections import repository as connection_repository
from mailroom.rendering.job import RenderResult
from mailroom.reports import repository as report_repository
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import ReportDefinition, ShellSource
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import MailroomError

if TYPE_CHECKING:
    from prefect.blocks.core import Block


async def render_locally(
    settings: Settings,
    report_id: str,
    formats: list[str],
    parameters: dict[str, Any],
    due_at: datetime,
    timezone: str,
    folder: Path,
) -> RenderResult:
    """Render to `folder`, an absolute path; `formats` empty means all of the report.

    Raises:
        MailroomError: the report, a format, a parameter or the source is not as it must be.
    """
    from mailroom.rendering import client
    from mailroom.rendering.as_owner import identity_token
    from mailroom.rendering.job_factory import limits_of, render_job

    definition, connection = await _stored(settings, report_id)
    if isinstance(definition.source, ShellSource):
        raise MailroomError(
            "Reports with a shell source can only be rendered by a worker.",
            remedy=("Run a schedule of this report instead."),
        )
    if unknown := [name for name in formats if name not in definition.formats]:
        known = ", ".join(definition.formats)
        raise MailroomError(
            f"{report_id} has no format {', '.join(unknown)}.", remedy=(f"The report has these formats: {known}.")
        )
    source = await _source(settings, connection)
    identity_token(definition, source, None, settings, now=due_at)  # Refuses what is made for a user: there is none.
    job = render_job(
        definition,
        source,
        resolve_parameters(definition.parameters, parameters, due_at, timezone),
        (name for name in definition.formats if not formats or name in formats),
        due_at=due_at,
        timezone=timezone,
        folder=folder,
        limits=limits_of(settings),
    )
    with err.status(f"rendering {report_id} to {', '.join(job.formats)} …"):
        return await client.render(job, settings=settings, group="command line", urgent=True)


async def _stored(settings: Settings, report_id: str) -> tuple[ReportDefinition, Connection]:
    database = Database(settings.database)
    try:
        async with database.session() as session:
            definition = ReportDefinition.model_validate(
                (await report_repository.get(session, report_id, viewer=SYSTEM)).definition
            )
            return definition, await connection_repository.get(session, definition.source.connection, viewer=SYSTEM)
    finally:
        await database.close()


async def _source(settings: Settings, connection: Connection) -> Block:
    """Return the source's block. A connection that `init` made needs no Prefect: its settings are known here."""
    bootstrap.use_our_prefect(settings)
    from embedded.connections import OURS, wanted
    from mailroom.connections.service import load
    from mailroom.connections.spec import build

    ours = {connection.name: connection for connection in wanted(settings)} if connection.description == OURS else {}
    if connection.name in ours:
        return build(connection.kind, ours[connection.name].settings)
    return await load(connection, settings)
