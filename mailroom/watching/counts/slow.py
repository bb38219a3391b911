"""Count what takes long to count: it is done every few minutes, by whichever process, and kept beside the totals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.tables import Artifact

EVERY = timedelta(minutes=5)


def is_due(kept: dict[str, Any], now: datetime) -> bool:
    """Tell whether it is time to count again. Pure."""
    return "at" not in kept or not timedelta() <= now - datetime.fromisoformat(kept["at"]) < EVERY


async def count(session: AsyncSession, *, now: datetime) -> dict[str, Any]:
    """Return how many files can be downloaded, and how many bytes they have, each content counted once."""
    contents = (
        select(Artifact.sha256, func.max(Artifact.size).label("size"), func.count().label("files"))
        .where(Artifact.expires_at > now)
        .group_by(Artifact.sha256)
        .subquery()
    )
    row = (await session.execute(select(func.sum(contents.c.files), func.sum(contents.c.size)))).one()
    return {"at": now.isoformat(), "artifacts": int(row[0] or 0), "artifact_bytes": int(row[1] or 0)}
