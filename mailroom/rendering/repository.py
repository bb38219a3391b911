"""Renderings and their files in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, exists, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.executions import repository as executions
from mailroom.rendering.facts.model import DataFacts, merged
from mailroom.storage.tables import Artifact, Execution, Rendering

_LOOKED_AT = 8
"""A rendering has a row for the message and for each format, and each may know of other queries."""


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the files that the viewer may see: those of executions that the viewer sees.

    One file can be that of many executions, since what is the same is rendered once.
    """
    if viewer.sees_all:
        return true()
    # The ids are random and all of one length, so none is a part of another one.
    named = cast(Execution.artifact_ids, Text).contains(Artifact.id)
    return exists().where(executions.visible_to(viewer), named)


async def renderings_of(session: AsyncSession, keys: Iterable[str], *, now: datetime | None) -> dict[str, Rendering]:
    """Return the finished renderings of these keys that have not expired; with None for `now`, also those that have."""
    query = select(Rendering).where(Rendering.key.in_(list(keys)), Rendering.expires_at > now if now else true())
    return {row.key: row for row in await session.scalars(query)}


async def by_ids(session: AsyncSession, ids: Sequence[str]) -> list[Rendering]:
    """Return the renderings in the order of `ids`, also expired ones, without those that are gone."""
    rows = {row.id: row for row in await session.scalars(select(Rendering).where(Rendering.id.in_(ids)))}
    return [rows[rendering_id] for rendering_id in ids if rendering_id in rows]


async def latest_facts(session: AsyncSession, report_id: str, version: str) -> DataFacts:
    """Return what is known of the data of a version of a report, by the latest of its renderings; empty without one."""
    query = (
        select(Rendering.result)
        .where(Rendering.report_id == report_id, Rendering.report_version == version)
        .order_by(Rendering.created_at.desc())
        .limit(_LOOKED_AT)
    )
    kept = [DataFacts.model_validate(one["facts"]) for one in await session.scalars(query) if one.get("facts")]
    return merged(kept)


async def artifacts(session: AsyncSession, ids: Sequence[str]) -> list[Artifact]:
    """Return the artifacts in the order of `ids`."""
    rows = {row.id: row for row in await session.scalars(select(Artifact).where(Artifact.id.in_(ids)))}
    return [rows[artifact_id] for artifact_id in ids if artifact_id in rows]


async def artifact(session: AsyncSession, artifact_id: str, *, viewer: Viewer) -> Artifact:
    """Return one artifact.

    Raises:
        NotFound: there is none of that id.
    """
    query = select(Artifact).where(Artifact.id == artifact_id, visible_to(viewer))
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no artifact {artifact_id[:60]}.",
            remedy="GET /api/v1/executions/{id} lists them.",
            code="no_file",
        )
    return found


async def save_rendering(session: AsyncSession, rendering: Rendering, files: Sequence[Artifact]) -> Rendering:
    """Store a finished rendering, or return the one that another process finished first; an expired one gives way."""
    query = select(Rendering).where(Rendering.key == rendering.key)
    present = (await session.scalars(query)).one_or_none()
    if present is not None and present.expires_at > rendering.created_at:
        return present
    if present is not None:
        present.key = f"expired:{present.id}"
        await session.flush()
    try:
        async with session.begin_nested():
            session.add_all(files)
            await session.flush()
            rendering.artifact_ids = [file.id for file in files]
            session.add(rendering)
    except IntegrityError:
        return (await session.scalars(query)).one()
    return rendering


async def forget_expired(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Remove renderings that expired before this moment, `limit` at most; returns how many. Their artifacts stay."""
    expired = (await session.scalars(select(Rendering.id).where(Rendering.expires_at < before).limit(limit))).all()
    if expired:
        await session.execute(delete(Rendering).where(Rendering.id.in_(expired)))
    return len(expired)


async def unexpired_files(session: AsyncSession, digests: Sequence[str], *, now: datetime) -> set[str]:
    """Return those of these digests whose files can be downloaded still."""
    query = select(Artifact.sha256).where(Artifact.sha256.in_(digests), Artifact.expires_at > now)
    return set(await session.scalars(query))


async def unexpired_results(session: AsyncSession, *, made_before: datetime, now: datetime) -> list[dict[str, Any]]:
    """Return the results of old renderings that have not expired."""
    query = select(Rendering.result).where(Rendering.created_at < made_before, Rendering.expires_at > now)
    return list(await session.scalars(query))
