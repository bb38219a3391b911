"""Makes a renderer's job from a report and its source, for schedules, previews and `mailroom reports render`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block

from mailroom.access.identity import HEADER
from mailroom.limits.spec import Limits as UserLimits
from mailroom.rendering.facts.model import Asked
from mailroom.rendering.job import Limits, RenderJob
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.sources.http import HttpSource
from prefect_mailroom.sources.sql import SqlSource


def render_job(
    definition: ReportDefinition,
    source: Block,
    parameters: dict[str, Any],
    formats: Iterable[Format],
    *,
    due_at: datetime,
    timezone: str,
    folder: Path,
    limits: Limits,
    identity: str | None = None,
    fresh: str = "",
    asked: Asked | None = None,
) -> RenderJob:
    """Return the job that renders a report to a folder; every format once, in the order given.

    Args:
        source: the block of the report's connection, with its secrets.
        parameters: final values; relative dates are already resolved.
        identity: the token that tells the source for whom it is, see `as_owner.identity_token`.
        fresh: whatever keeps the job from joining another one that is the same in all else.
        asked: what a condition needs to know of the data.

    Raises:
        ConfigurationError: the source gives no rows, as a command does not.
    """
    if not isinstance(source, SqlSource | HttpSource):
        raise ConfigurationError(
            f"The connection '{definition.source.connection}' does not return rows, so there is nothing to render.",
            remedy=(
                "Use an sql or http connection in the report. For a report with a shell source, run a schedule of it."
            ),
        )
    access = source.access()
    if identity is not None:
        access["headers"] = {**access["headers"], HEADER: identity}
    return RenderJob(
        definition=definition,
        parameters=parameters,
        formats=list(dict.fromkeys(formats)),
        due_at=due_at,
        timezone=timezone,
        access=access,
        folder=folder,
        limits=limits,
        fresh=fresh,
        asked=asked,
    )


def limits_of(settings: Settings, limits: UserLimits | None = None) -> Limits:
    """Return what a rendering may use: by the limits of the user for whom it is made, or those of the settings."""
    return Limits(
        seconds=limits.render_seconds if limits else settings.render_seconds,
        memory_mb=settings.render_memory_mb,
        output_mb=limits.file_mb if limits else settings.render_output_mb,
        rows=limits.render_rows if limits else settings.render_rows,
    )


def narrower(one: Limits, other: Limits) -> Limits:
    """Return the lower of each limit."""
    return Limits(**{name: min(getattr(one, name), getattr(other, name)) for name in Limits.model_fields})
