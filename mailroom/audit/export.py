"""Write the audit trail as lines of JSON, each an entry with its place in the chain."""

from __future__ import annotations

from collections.abc import AsyncIterator

from mailroom.access.viewer import Viewer
from mailroom.audit.repository import AuditFilter, export
from mailroom.audit.sealing.chain import canonical, entry_of
from mailroom.storage.database import Database

MEDIA_TYPE = "application/jsonl"


async def lines(database: Database, *, viewer: Viewer, wanted: AuditFilter) -> AsyncIterator[bytes]:
    """Yield the entries that match, oldest first, as some lines at a time.

    `position` and `hash` are null for an entry that is not sealed yet. The other members are what the hash covers.
    """
    async for batch in export(database, viewer=viewer, wanted=wanted):
        made = []
        for event, seal in batch:
            place = {"position": seal.position, "hash": seal.hash} if seal else {"position": None, "hash": None}
            made.append(canonical({**entry_of(event), **place}) + b"\n")
        yield b"".join(made)
