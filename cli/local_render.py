"""Renders a report to files here, as its schedules would."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from cli.output import err
from embedded import bootstrap
from mailroom.access.viewer import SYSTEM
from mailroom.connections import repository as connection_repository
from mailroom.rendering.job import Limits, RenderJob, RenderResult
from mailroom.reports import repository as report_repository
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import ReportDefinition, ShellSource
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError, MailroomError


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

    definition, connection = await _stored(settings, report_id)
    if isinstance(definition.source, ShellSource):
        raise MailroomError("Reports of a shell source are made by a worker.", remedy="Run a schedule of it instead.")
    if unknown := [name for name in formats if name not in definition.formats]:
        known = ", ".join(definition.formats)
        raise MailroomError(f"{report_id} has no format {', '.join(unknown)}.", remedy=f"It has: {known}.")
    job = RenderJob(
        definition=definition,
        parameters=resolve_parameters(definition.parameters, parameters, due_at, timezone),
        formats=[name for name in definition.formats if not formats or name in formats],
        due_at=due_at,
        timezone=timezone,
        access=await _access(settings, connection),
        folder=folder,
        limits=Limits(
            seconds=settings.render_seconds, memory_mb=settings.render_memory_mb, output_mb=settings.render_output_mb
        ),
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


async def _access(settings: Settings, connection: Connection) -> dict[str, Any]:
    """What reaches the source. A connection that `init` made needs no Prefect: what is in its block is known here."""
    bootstrap.use_our_prefect(settings)
    from embedded.connections import OURS, wanted
    from mailroom.connections import service as connections
    from prefect_mailroom.sources.http import HttpSource
    from prefect_mailroom.sources.sql import SqlSource

    ours = {made.name: made for made in wanted(settings)} if connection.description == OURS else {}
    if connection.name in ours:
        block = connections.build(connection.kind, ours[connection.name].settings)
    else:
        block = await connections.load(connection, settings)
    if not isinstance(block, SqlSource | HttpSource):
        raise ConfigurationError(
            f"The connection '{connection.name}' is of kind {connection.kind}, which is no source of rows.",
            remedy="Name an sql or http connection in the report.",
        )
    return dict(block.access())
