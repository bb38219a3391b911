"""Renders the files and the message of an execution, once for everybody who needs the same."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import identity as identities
from mailroom.access.identity import Identity, seen_as
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.audit.events import IdentitySent
from mailroom.connections.service import load_named
from mailroom.limits.spec import Limits as UserLimits
from mailroom.rendering import client
from mailroom.rendering import repository as rendering_repository
from mailroom.rendering.as_owner import identity_token, varies_by_user
from mailroom.rendering.facts.decide import covers
from mailroom.rendering.facts.model import Asked, DataFacts, merged
from mailroom.rendering.job import RenderedFile, RenderResult
from mailroom.rendering.job_factory import limits_of, render_job
from mailroom.rendering.progress import Tell
from mailroom.rendering.shell import run_shell
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import Format, ReportDefinition, ShellSource
from mailroom.settings import Settings
from mailroom.storage.artifacts import ArtifactStore, check_space
from mailroom.storage.database import Database, new_id
from mailroom.storage.full_disk import needs_room
from mailroom.storage.tables import Artifact, Rendering, User
from prefect_mailroom.channels.base import InlineImage
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.sources.shell import ShellSource as ShellBlock

MESSAGE, COMMAND = "message", "command"


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """The renderings that an execution needs: a message and a file of each format, or all files of a command.

    `owner` is for whom, where users may see different rows. `fresh` is whatever keeps it from sharing a rendering with
    what was asked for before, such as the id of a correction. `asked` is what a condition needs to know of the data: it
    keeps nothing from being shared whose facts say it.
    """

    definition: ReportDefinition
    parameters: dict[str, Any]
    formats: tuple[Format, ...]
    due_at: datetime
    timezone: str
    owner: User | None = None
    fresh: str = ""
    asked: Asked | None = None

    @property
    def pieces(self) -> tuple[str, ...]:
        """Return what is rendered, kept and shared separately; the first piece has the message."""
        if isinstance(self.definition.source, ShellSource):
            return (COMMAND,)
        return (MESSAGE, *(format_.value for format_ in dict.fromkeys(self.formats)))

    def key(self, piece: str) -> str:
        """Return the digest of all that decides a piece: equal keys share a rendering. Reports show the due time."""
        parts = [self.definition.version, self.parameters, piece, self.due_at.isoformat(), self.timezone]
        if self.owner is not None:
            parts.append(seen_as(self.owner))
        if self.fresh:
            parts.append(["fresh", self.fresh])
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """The renderings of a request, in the order of its pieces; `made` are the files that were not there before."""

    renderings: tuple[Rendering, ...]
    made: tuple[RenderedFile, ...] = ()

    @property
    def artifact_ids(self) -> list[str]:
        """Return the ids of the files, in the order of the formats."""
        return [artifact for rendering in self.renderings for artifact in rendering.artifact_ids]

    @property
    def message(self) -> Mapping[str, Any]:
        """Return where the mail body is, as SHA-256 of the store, and the figures."""
        return self.renderings[0].result

    @property
    def facts(self) -> DataFacts:
        """Return what is kept of the data; empty for a rendering of an earlier version, or one without rows."""
        kept = [row.result["facts"] for row in self.renderings if row.result.get("facts")]
        return merged([DataFacts.model_validate(one) for one in kept])

    @property
    def rows(self) -> int | None:
        """Return the number of rows of the data query, None where nothing counted them."""
        return next((row.result["rows"] for row in self.renderings if row.result["rows"] is not None), None)


def render_request(
    definition: ReportDefinition,
    parameters: dict[str, Any],
    formats: Sequence[Format],
    due_at: datetime,
    timezone: str,
    owner: User | None = None,
) -> RenderRequest:
    """Return what an execution needs rendered; relative dates are resolved from its due time. Pure.

    Args:
        owner: of the schedule; it counts where users may see different rows of the report.

    Raises:
        ParametersInvalid: the report's parameters changed since the schedule was saved.
        ConfigurationError: the report is made for its owner, and there is none.
    """
    final = resolve_parameters(definition.parameters, parameters, due_at, timezone)
    if not varies_by_user(definition):
        owner = None
    elif owner is None:
        raise ConfigurationError("This report is made for a user, and there is none here.", field="as_owner")
    return RenderRequest(definition, final, tuple(formats), due_at, timezone, owner)


async def render_report(
    database: Database,
    settings: Settings,
    request: RenderRequest,
    *,
    now: datetime,
    group: str,
    limits: UserLimits | None = None,
    tell: Tell | None = None,
) -> RenderedReport:
    """Return the renderings of a request: pieces that exist already are reused, the others are rendered together.

    Args:
        group: whose turn at the renderers this uses up.
        limits: those of the owner; the settings' own without one.
        tell: is called with how far the rendering is, see `client.render`.

    Raises:
        SourceError, RenderFailed, ConfigurationError, Unavailable: why there is none.
    """
    made = await _render(database, settings, request, now=now, group=group, limits=limits, tell=tell)
    if says_enough(made, request):
        return made
    alone = on_its_own(request)
    return await _render(database, settings, alone, now=now, group=group, limits=limits, tell=tell)


def says_enough(report: RenderedReport, request: RenderRequest) -> bool:
    """Tell whether the facts of a rendering answer what a condition asks, as far as another rendering would."""
    asked = request.asked
    if asked is None or request.fresh:
        return True
    facts = report.facts
    return asked.query in facts.queries if asked.threshold is None else covers(asked.threshold, facts)


def on_its_own(request: RenderRequest) -> RenderRequest:
    """Return a request that shares renderings only with those that ask the same of the data."""
    assert request.asked is not None, "somebody looked at what is asked"
    return replace(request, fresh=f"asked {request.asked.key}")


async def _render(
    database: Database,
    settings: Settings,
    request: RenderRequest,
    *,
    now: datetime,
    group: str,
    limits: UserLimits | None,
    tell: Tell | None,
) -> RenderedReport:
    keys = {piece: request.key(piece) for piece in request.pieces}
    async with database.session() as session:
        found = await rendering_repository.renderings_of(session, keys.values(), now=now)
    missing = [piece for piece, key in keys.items() if key not in found]
    made: tuple[RenderedFile, ...] = ()
    if missing:
        store, shelves = ArtifactStore(settings.artifacts_dir), settings.artifacts_dir
        with needs_room(shelves):
            await asyncio.to_thread(check_space, shelves, settings.min_free_mb)
            with tempfile.TemporaryDirectory(prefix="render-", dir=shelves) as folder:
                result = await _produce(database, request, missing, settings, Path(folder), group, limits, tell)
                kept = await asyncio.to_thread(_keep, store, result)
        expires_at = now + timedelta(days=settings.artifact_days)
        new = [
            (_rendering(request, piece, kept, now, expires_at), _artifacts_of(piece, result.files, now, expires_at))
            for piece in missing
        ]
        found |= await database.transact(partial(_save, new))
        made = tuple(result.files)
    return RenderedReport(tuple(found[key] for key in keys.values()), made)


async def _save(new: Sequence[tuple[Rendering, list[Artifact]]], session: AsyncSession) -> dict[str, Rendering]:
    """Store renderings with their files; return by key what counts, which another process may have finished first."""
    return {
        rendering.key: await rendering_repository.save_rendering(session, rendering, files) for rendering, files in new
    }


def _rendering(
    request: RenderRequest, piece: str, kept: dict[str, Any], now: datetime, expires_at: datetime
) -> Rendering:
    return Rendering(
        id=new_id(),
        key=request.key(piece),
        report_id=request.definition.id,
        report_version=request.definition.version,
        artifact_ids=[],
        result=kept if piece in (MESSAGE, COMMAND) else {"rows": kept["rows"], "facts": kept["facts"]},
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
    database: Database,
    request: RenderRequest,
    pieces: Sequence[str],
    settings: Settings,
    folder: Path,
    group: str,
    limits: UserLimits | None,
    tell: Tell | None,
) -> RenderResult:
    source = request.definition.source
    block = await load_named(database, settings, source.connection, kind=source.kind)
    now = database.now()
    identity = await _record_use(database, request, now)
    token = identity_token(request.definition, block, identity, settings, now=now)
    if isinstance(source, ShellSource):
        assert isinstance(block, ShellBlock), "load_named gives the class of the kind"
        within = limits_of(settings, limits)
        return await run_shell(block, source, request.definition, request.parameters, folder, within)
    job = render_job(
        request.definition,
        block,
        request.parameters,
        (format_ for format_ in request.formats if format_ in pieces),
        due_at=request.due_at,
        timezone=request.timezone,
        folder=folder,
        limits=limits_of(settings, limits),
        identity=token,
        fresh=request.fresh,
        asked=request.asked,
    )
    return await client.render(job, settings=settings, group=group, tell=tell)


async def _record_use(database: Database, request: RenderRequest, now: datetime) -> Identity | None:
    """Record that the credentials of the source are used, and for whom; return the owner if the source is told of one.

    It is committed before the use: also a rendering that fails has used them.
    """
    definition, owner = request.definition, request.owner

    async def record(session: AsyncSession) -> Identity | None:
        used = CredentialUsed(definition.source.connection, "rendering", definition.id)
        audit.record(session, used, at=now)
        if owner is None:
            return None
        sent = IdentitySent(definition.id, definition.source.connection)
        audit.record(session, sent, at=now, on_behalf_of=owner.email)
        return await identities.of(session, owner)

    return await database.transact(record)


def _keep(store: ArtifactStore, result: RenderResult) -> dict[str, Any]:
    """Bring files, bodies and pictures into the store; returns what the database keeps of the result."""
    kept = {
        "mail_html": store.put(result.mail_html.encode()),
        "mail_text": store.put(result.mail_text.encode()),
        "mail_images": {name: store.put(path.read_bytes()) for name, path in result.mail_images.items()},
        "rows": result.rows,
        "figures": result.figures,
        "notices": result.notices,
        "facts": None if result.facts is None else result.facts.model_dump(mode="json", exclude_defaults=True),
    }
    for file in result.files:
        store.take(file.path, file.sha256)
    return kept


@dataclass(frozen=True, slots=True)
class Message:
    """The mail body of a rendered report."""

    html: str
    text: str
    images: tuple[InlineImage, ...]


def message_of(store: ArtifactStore, report: RenderedReport) -> Message:
    """Read a report's mail body back from the store. Blocking."""
    kept = report.message
    images = tuple(
        InlineImage(content_id=name, media_type="image/png", data=store.read(sha256))
        for name, sha256 in kept["mail_images"].items()
    )
    return Message(store.read(kept["mail_html"]).decode(), store.read(kept["mail_text"]).decode(), images)
