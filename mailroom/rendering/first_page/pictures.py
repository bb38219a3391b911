"""Keep a small picture of each report's first page, made once for each version with today's data and its defaults.

Pictures are a cache: a file for each version in the data folder of this machine, which may be removed at any time.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from mailroom.connections import service as connections
from mailroom.rendering import client
from mailroom.rendering.as_owner import varies_by_user
from mailroom.rendering.job import Limits
from mailroom.rendering.job_factory import limits_of, narrower, render_job
from mailroom.rendering.previews import passes_files_on
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.storage.artifacts import check_space
from mailroom.storage.hosts.clock import local_time
from mailroom.storage.tables import Connection

LIMITS = Limits(seconds=30, memory_mb=1024, output_mb=10, rows=200_000)
"""The limits of a picture: nobody waits for it, and a source must not be kept busy for it."""
_MOST_KEPT = 2000
_GROUP = "pictures"
"""Whose turn at the renderers pictures use up."""


def can_have_one(definition: ReportDefinition) -> bool:
    """Tell whether a report can have a picture that all its readers may see. Pure."""
    return not passes_files_on(definition) and not varies_by_user(definition)


def kept(settings: Settings, version: str) -> bytes | None:
    """Return the picture of a version, None where there is none. Blocking."""
    try:
        return _path(settings, version).read_bytes()
    except FileNotFoundError:
        return None


async def make(definition: ReportDefinition, source: Connection, settings: Settings) -> None:
    """Render the first page with today's data and the default parameters, and keep its picture.

    Raises:
        ParametersInvalid: a parameter has no default.
        ConfigurationError, RenderFailed, SourceUnavailable, SourceRefused, Unavailable: it could not be rendered.
    """
    due_at = local_time().replace(second=0, microsecond=0)
    timezone = settings.default_timezone
    values = resolve_parameters(definition.parameters, {}, due_at, timezone)
    block = await connections.load(source, settings)
    working = settings.data_dir / "previews"
    await asyncio.to_thread(check_space, working, settings.min_free_mb)
    with tempfile.TemporaryDirectory(dir=working, ignore_cleanup_errors=True) as folder:
        job = render_job(
            definition,
            block,
            values,
            [],
            due_at=due_at,
            timezone=timezone,
            folder=Path(folder),
            limits=narrower(LIMITS, limits_of(settings)),
        )
        result = await client.render(job.model_copy(update={"picture": True}), settings=settings, group=_GROUP)
        assert result.picture is not None, "the job has asked for it"
        await asyncio.to_thread(_keep, result.picture, _path(settings, definition.version))


def _path(settings: Settings, version: str) -> Path:
    return settings.data_dir / "pictures" / f"{version}.png"


def _keep(made: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made.replace(path)
    there = sorted(path.parent.glob("*.png"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in there[_MOST_KEPT:]:
        old.unlink(missing_ok=True)
