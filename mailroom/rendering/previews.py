"""Renders a preview of a report as HTML, within narrow limits, before anybody schedules it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailroom.access.identity import Identity
from mailroom.connections import service as connections
from mailroom.limits.spec import Limits as UserLimits
from mailroom.rendering import client
from mailroom.rendering.as_owner import identity_token
from mailroom.rendering.job import Limits
from mailroom.rendering.job_factory import limits_of, narrower, render_job
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import Format, HttpSource, ReportDefinition, ShellSource
from mailroom.settings import Settings
from mailroom.storage.artifacts import check_space
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError

LIMITS = Limits(seconds=60, memory_mb=1024, output_mb=10, rows=200_000)
"""The limits of a preview, where its reader's own limits are not narrower."""


async def preview_html(
    definition: ReportDefinition,
    source: Connection,
    parameters: Mapping[str, Any],
    *,
    timezone: str,
    settings: Settings,
    limits: UserLimits,
    group: str,
    identity: Identity,
) -> bytes:
    """Return the report as an HTML page, its relative dates resolved from now. `group` is whose turn this uses up.

    Args:
        identity: for whom, where users may see different rows.

    Raises:
        ParametersInvalid: the parameters do not fit.
        ConfigurationError: the report's source has nothing to show before it is run.
        RenderFailed, SourceUnavailable, SourceRefused, Unavailable: it could not be rendered.
    """
    due_at = datetime.now(UTC).replace(second=0, microsecond=0)
    values = resolve_parameters(definition.parameters, parameters, due_at, timezone)
    if passes_files_on(definition):
        message = f"The report '{definition.id}' passes files on unchanged, so it has no preview."
        raise ConfigurationError(message, remedy="Send yourself a test of a schedule instead.")
    block = await connections.load(source, settings)
    token = identity_token(definition, block, identity, settings, now=datetime.now(UTC))
    working = settings.data_dir / "previews"
    await asyncio.to_thread(check_space, working, settings.min_free_mb)
    with tempfile.TemporaryDirectory(dir=working, ignore_cleanup_errors=True) as folder:
        job = render_job(
            definition,
            block,
            values,
            [Format.HTML],
            due_at=due_at,
            timezone=timezone,
            folder=Path(folder),
            limits=narrower(LIMITS, limits_of(settings, limits)),
            identity=token,
        )
        result = await client.render(job, settings=settings, group=group, urgent=True)
        return await asyncio.to_thread(result.files[0].path.read_bytes)


def passes_files_on(definition: ReportDefinition) -> bool:
    """Tell whether the report sends files as they come, with no rows to show."""
    match definition.source:
        case ShellSource():
            return True
        case HttpSource(pass_on=pass_on):
            return pass_on
        case _:
            return False
