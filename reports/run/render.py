"""Render: the files and the message of an execution, made once for everybody who needs the same."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prefect_mailroom.channel import InlineImage
from prefect_mailroom.sources.http import HttpSource as HttpBlock
from prefect_mailroom.sources.shell import ShellSource as ShellBlock
from prefect_mailroom.sources.sql import SqlSource as SqlBlock
from reports.artifacts import ArtifactStore, check_space
from reports.connections import load_named
from reports.database import Database, new_id
from reports.definition import Format, ReportDefinition, ShellSource
from reports.parameters import resolve_parameters
from reports.rendering.job import Limits, RenderedFile, RenderJob, RenderResult
from reports.rendering.process import render
from reports.repositories import executions
from reports.run.shell import run_shell
from reports.settings import Settings
from reports.tables import Artifact, Rendering


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be rendered; two orders with the same `key` are one rendering."""

    definition: ReportDefinition
    parameters: dict[str, Any]
    formats: tuple[Format, ...]
    due_at: datetime
    timezone: str

    @property
    def key(self) -> str:
        """Digest of all that decides the output. The due time is in it, since the report shows it."""
        parts = [self.definition.version, self.parameters, self.formats, self.due_at.isoformat(), self.timezone]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def order(
    definition: ReportDefinition,
    parameters: dict[str, Any],
    formats: Sequence[Format],
    due_at: datetime,
    timezone: str,
) -> Order:
    """The order of an execution; relative dates are resolved from its due time. Pure.

    Raises:
        ParametersInvalid: the report's parameters changed since the schedule was saved.
    """
    final = resolve_parameters(definition.parameters, parameters, due_at, timezone)
    return Order(definition, final, tuple(formats), due_at, timezone)


async def rendered(database: Database, settings: Settings, wanted: Order, *, now: datetime) -> Rendering:
    """The rendering of an order: one that is there, or a new one.

    Raises:
        SourceError, RenderFailed, ConfigurationError, Unavailable: why there is none.
    """
    async with database.session() as session:
        found = await executions.rendering_of(session, wanted.key, now=now)
        if found is not None:
            return found
    store = ArtifactStore(settings.artifacts_dir)
    await asyncio.to_thread(check_space, settings.artifacts_dir, settings.min_free_mb)
    with tempfile.TemporaryDirectory(prefix="render-", dir=settings.artifacts_dir) as folder:
        result = await _produce(database, wanted, settings, Path(folder))
        kept = await asyncio.to_thread(_keep, store, result)
    expires_at = now + timedelta(days=settings.artifact_days)
    rows = [_artifact(file, now, expires_at) for file in result.files]
    rendering = Rendering(
        id=new_id(),
        key=wanted.key,
        report_id=wanted.definition.id,
        report_version=wanted.definition.version,
        artifact_ids=[row.id for row in rows],
        result=kept,
        created_at=now,
        expires_at=expires_at,
    )
    async with database.session() as session:
        return await executions.save_rendering(session, rendering, rows)


def _artifact(file: RenderedFile, now: datetime, expires_at: datetime) -> Artifact:
    return Artifact(
        id=new_id(),
        sha256=file.sha256,
        filename=file.filename,
        format=file.format,
        media_type=file.media_type,
        size=file.size,
        rows=file.rows,
        created_at=now,
        expires_at=expires_at,
    )


async def _produce(database: Database, wanted: Order, settings: Settings, folder: Path) -> RenderResult:
    source = wanted.definition.source
    block = await load_named(database, settings, source.connection, kind=source.kind)
    if isinstance(source, ShellSource):
        assert isinstance(block, ShellBlock), "load_named gives the class of the kind"
        return await run_shell(block, source, wanted.definition, wanted.parameters, folder)
    assert isinstance(block, SqlBlock | HttpBlock), "load_named gives the class of the kind"
    job = RenderJob(
        definition=wanted.definition,
        parameters=wanted.parameters,
        formats=list(wanted.formats),
        due_at=wanted.due_at,
        timezone=wanted.timezone,
        access=block.access(),
        folder=folder,
        limits=Limits(
            seconds=settings.render_seconds,
            memory_mb=settings.render_memory_mb,
            output_mb=settings.render_output_mb,
        ),
    )
    return await render(job)


def _keep(store: ArtifactStore, result: RenderResult) -> dict[str, Any]:
    """Bring files, bodies and pictures into the store; returns what is stored of the result in the database."""
    kept = {
        "mail_html": store.put(result.mail_html.encode()),
        "mail_text": store.put(result.mail_text.encode()),
        "mail_images": {name: store.put(path.read_bytes()) for name, path in result.mail_images.items()},
        "rows": result.rows,
        "figures": result.figures,
        "notices": result.notices,
    }
    for file in result.files:
        store.take(file.path, file.sha256)
    return kept


@dataclass(frozen=True, slots=True)
class Message:
    """The mail body of a rendering."""

    html: str
    text: str
    images: tuple[InlineImage, ...]


def message_of(store: ArtifactStore, rendering: Rendering) -> Message:
    """Read a rendering's body back from the store. Blocking."""
    kept = rendering.result
    images = tuple(
        InlineImage(content_id=name, media_type="image/png", data=store.read(sha256))
        for name, sha256 in kept["mail_images"].items()
    )
    return Message(store.read(kept["mail_html"]).decode(), store.read(kept["mail_text"]).decode(), images)
