"""Find rendered files, and audit that they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import FileDownloaded
from mailroom.errors import Gone
from mailroom.rendering import repository as rendering_repository


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A rendered file on this machine."""

    path: Path
    filename: str
    media_type: str
    sha256: str
    size: int


async def find(caller: Caller, artifact_id: str) -> StoredFile:
    """Return the file of an artifact; that it is read is audited.

    Raises:
        NotFound: there is no such artifact.
        Gone: its file has expired.
    """

    async def look(session: AsyncSession) -> StoredFile:
        artifact = await rendering_repository.artifact(session, artifact_id, viewer=caller.viewer)
        path = caller.services.store.find(artifact.sha256)
        if path is None or artifact.expires_at <= caller.context.now:
            message = f"{artifact.filename} expired at {artifact.expires_at:%Y-%m-%d %H:%M} UTC."
            remedy = "Run the schedule again, or ask the operator to raise MAILROOM_ARTIFACT_DAYS."
            raise Gone(message, remedy=remedy, code="file_expired")
        event = FileDownloaded(artifact.id, artifact.filename, artifact.sha256)
        audit.record_by(session, event, caller.context)
        return StoredFile(path, artifact.filename, artifact.media_type, artifact.sha256, artifact.size)

    return await caller.transact(look)
