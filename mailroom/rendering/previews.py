"""Renders a report within narrow limits, before anybody schedules it: as a page, or with its mail body and files."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailroom.access.identity import Identity
from mailroom.connections import service as connections
from mailroom.limits.spec import Limits as UserLimits
from mailroom.rendering import client
from mailroom.rendering.as_owner import identity_token
from mailroom.rendering.job import Limits, RenderResult
from mailroom.rendering.job_factory import limits_of, narrower, render_job
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import Format, HttpSource, ReportDefinition, ShellSource
from mailroom.settings import Settings
from mailroom.storage.artifacts import check_space
from mailroom.storage.hosts.clock import local_time
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError

LIMITS = Limits(seconds=60, memory_mb=1024, output_mb=10, rows=200_000)
"""The limits of a preview, where its reader's own limits are not narrower."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The one whom a preview is for.

    Attributes:
        limits: of that user.
        group: whose turn at the renderers it uses up.
        identity: for whom it is, where users may see different rows.
    """

    limits: UserLimits
    group: str
    identity: Identity


async def preview_html(
    definition: ReportDefinition,
    source: Connection,
    parameters: Mapping[str, Any],
    *,
    timezone: str,
    settings: Settings,
    reader: Reader,
) -> bytes:
    """Return the report as an HTML page, its relative dates resolved from now.

    Raises:
        ParametersInvalid, ConfigurationError, RenderFailed, SourceUnavailable, SourceRefused, Unavailable: see
            `rendered`.
    """
    due_at = local_time().replace(second=0, microsecond=0)
    values = resolve_parameters(definition.parameters, parameters, due_at, timezone)
    async with rendered(
        definition, source, values, [Format.HTML], due_at=due_at, timezone=timezone, settings=settings, reader=reader
    ) as result:
        return await asyncio.to_thread(result.files[0].path.read_bytes)


@asynccontextmanager
async def rendered(
    definition: ReportDefinition,
    source: Connection,
    values: dict[str, Any],
    formats: Sequence[Format],
    *,
    due_at: datetime,
    timezone: str,
    settings: Settings,
    reader: Reader,
) -> AsyncIterator[RenderResult]:
    """Render a report; its files are there while the context lasts.

    Args:
        values: the final ones, with relative dates resolved.

    Raises:
        ConfigurationError: the report's source has nothing to show before it is run.
        RenderFailed, SourceUnavailable, SourceRefused, Unavailable: it could not be rendered.
    """
    if passes_files_on(definition):
        message = f"The report '{definition.id}' passes files on unchanged, so it has no preview."
        raise ConfigurationError(message, remedy="Send yourself a test of a schedule instead.")
    block = await connections.load(source, settings)
    token = identity_token(definition, block, reader.identity, settings, now=local_time())
    working = settings.data_dir / "previews"
    await asyncio.to_thread(check_space, working, settings.min_free_mb)
    with tempfile.TemporaryDirectory(dir=working, ignore_cleanup_errors=True) as folder:
        job = render_job(
            definition,
            block,
            values,
            formats,
            due_at=due_at,
            timezone=timezone,
            folder=Path(folder),
            limits=narrower(LIMITS, limits_of(settings, reader.limits)),
            identity=token,
        )
        yield await client.render(job, settings=settings, group=reader.group, urgent=True)


def passes_files_on(definition: ReportDefinition) -> bool:
    """Tell whether the report sends files as they come, with no rows to show."""
    match definition.source:
        case ShellSource():
            return True
        case HttpSource(pass_on=pass_on):
            return pass_on
        case _:
            return False
