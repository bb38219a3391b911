"""Render: the files and the message of an execution, made once for everybody who needs the same."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mailroom.connections.service import load_named
from mailroom.rendering import client
from mailroom.rendering import repository as rendering_repository
from mailroom.rendering.job import Limits, RenderedFile, RenderJob, RenderResult
from mailroom.rendering.shell import run_shell
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import Format, ReportDefinition, ShellSource
from mailroom.settings import Settings
from mailroom.storage.artifacts import ArtifactStore, check_space
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Artifact, Rendering
from prefect_mailroom.channels.base import InlineImage
from prefect_mailroom.sources.http import HttpSource as HttpBlock
from prefect_mailroom.sources.shell import ShellSource as ShellBlock
from prefect_mailroom.sources.sql import SqlSource as SqlBlock

MESSAGE, COMMAND = "message", "command"


@dataclass(frozen=True, slots=True)
class Order:
    """What an execution wants: a message and a file of each format, or all that a command leaves."""

    definition: ReportDefinition
    parameters: dict[str, Any]
    formats: tuple[Format, ...]
    due_at: datetime
    timezone: str

    @property
    def pieces(self) -> tuple[str, ...]:
        """What is made, kept and shared by itself; the first one has the message."""
        if isinstance(self.definition.source, ShellSource):
            return (COMMAND,)
        return (MESSAGE, *(format_.value for format_ in dict.fromkeys(self.formats)))

    def key(self, piece: str) -> str:
        """Digest of all that decides a piece: equal keys are one rendering. The report shows its due time."""
        parts = [self.definition.version, self.parameters, piece, self.due_at.isoformat(), self.timezone]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Made:
    """The pieces of an order, in its order."""

    renderings: tuple[Rendering, ...]

    @property
    def artifact_ids(self) -> list[str]:
        """The files, in the order of the formats."""
        return [artifact for rendering in self.renderings for artifact in rendering.artifact_ids]

    @property
    def message(self) -> Mapping[str, Any]:
        """The mail body as SHA-256 of the store, and the figures."""
        return self.renderings[0].result

    @property
    def rows(self) -> int | None:
        """Rows of the data query, None where nothing counted them."""
        return next((row.result["rows"] for row in self.renderings if row.result["rows"] is not None), None)


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


async def rendered(database: Database, settings: Settings, wanted: Order, *, now: datetime, group: str) -> Made:
    """The pieces of an order: those that are there, the others rendered together.

    Args:
        group: whose turn at the renderers this uses up.

    Raises:
        SourceError, RenderFailed, ConfigurationError, Unavailable: why there is none.
    """
    keys = {piece: wanted.key(piece) for piece in wanted.pieces}
    async with database.session() as session:
        found = await rendering_repository.renderings_of(session, keys.values(), now=now)
    missing = [piece for piece, key in keys.items() if key not in found]
    if missing:
        store = ArtifactStore(settings.artifacts_dir)
        await asyncio.to_thread(check_space, settings.artifacts_dir, settings.min_free_mb)
        with tempfile.TemporaryDirectory(prefix="render-", dir=settings.artifacts_dir) as folder:
            result = await _produce(database, wanted, missing, settings, Path(folder), group)
            kept = await asyncio.to_thread(_keep, store, result)
        expires_at = now + timedelta(days=settings.artifact_days)
        made = [
            (_rendering(wanted, piece, kept, now, expires_at), _artifacts_of(piece, result.files, now, expires_at))
            for piece in missing
        ]
        async with database.session() as session:
            for rendering, files in made:
                found[rendering.key] = await rendering_repository.save_rendering(session, rendering, files)
    return Made(tuple(found[key] for key in keys.values()))


def _rendering(wanted: Order, piece: str, kept: dict[str, Any], now: datetime, expires_at: datetime) -> Rendering:
    return Rendering(
        id=new_id(),
        key=wanted.key(piece),
        report_id=wanted.definition.id,
        report_version=wanted.definition.version,
        artifact_ids=[],
        result=kept if piece in (MESSAGE, COMMAND) else {"rows": kept["rows"]},
        created_at=now,
        expires_at=expires_at,
    )


def _artifacts_of(piece: str, files: Sequence[RenderedFile], now: datetime, expires_at: datetime) -> list[Artifact]:
    return [_artifact(file, now, expires_at) for file in files if piece in (COMMAND, file.format)]


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


async def _produce(
    database: Database, wanted: Order, pieces: Sequence[str], settings: Settings, folder: Path, group: str
) -> RenderResult:
    source = wanted.definition.source
    block = await load_named(database, settings, source.connection, kind=source.kind)
    if isinstance(source, ShellSource):
        assert isinstance(block, ShellBlock), "load_named gives the class of the kind"
        return await run_shell(block, source, wanted.definition, wanted.parameters, folder)
    assert isinstance(block, SqlBlock | HttpBlock), "load_named gives the class of the kind"
    job = RenderJob(
        definition=wanted.definition,
        parameters=wanted.parameters,
        formats=[format_ for format_ in dict.fromkeys(wanted.formats) if format_ in pieces],
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
    return await client.render(job, settings=settings, group=group)


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
    """The mail body of an order."""

    html: str
    text: str
    images: tuple[InlineImage, ...]


def message_of(store: ArtifactStore, made: Made) -> Message:
    """Read an order's body back from the store. Blocking."""
    kept = made.message
    images = tuple(
        InlineImage(content_id=name, media_type="image/png", data=store.read(sha256))
        for name, sha256 in kept["mail_images"].items()
    )
    return Message(store.read(kept["mail_html"]).decode(), store.read(kept["mail_text"]).decode(), images)
