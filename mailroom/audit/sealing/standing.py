"""Say quickly how the audit trail stands, for a page: how far it is sealed and signed, and whether what is shown fits.

It looks at the end of the chain, the last signed checkpoint and the entries that somebody is about to read; a change in
an entry that nobody looks at is found by `verify`, which goes through all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit.sealing import checkpoints, seals, signing
from mailroom.audit.sealing.chain import entry_of, link
from mailroom.audit.sealing.checkpoints import Checkpoint
from mailroom.audit.sealing.verify import Code, Verdict, Wrong, verify
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.audit import AuditSeal
from mailroom.storage.tables import AuditEvent


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold how the trail stands.

    Attributes:
        position: the place of the last sealed entry.
        signed: the last checkpoint, None where nothing is signed yet.
        wrong: what does not fit; empty where all that was looked at does.
    """

    position: int
    sealed_at: datetime
    signed: Checkpoint | None
    wrong: tuple[Wrong, ...] = ()


async def last_checkpoint(settings: Settings) -> tuple[Checkpoint | None, list[Wrong]]:
    """Return the last checkpoint outside the database, and what is wrong with it by itself."""
    return await asyncio.to_thread(_last, settings.checkpoints_path, settings.data_dir / signing.PUBLIC_FILE)


def _last(path: Path, public: Path) -> tuple[Checkpoint | None, list[Wrong]]:
    found = checkpoints.last(path)
    if found is None or not public.is_file():
        return found, []
    if found.is_signed_by(signing.read_public(public)):
        return found, []
    return found, [Wrong(Code.NOT_SIGNED, found.position, "The last checkpoint is not signed by the key of the trail.")]


async def look(
    session: AsyncSession, signed: Checkpoint | None, rows: Sequence[AuditEvent], *, wrong: Sequence[Wrong] = ()
) -> Standing:
    """Return how the trail stands, and whether these rows are what was sealed."""
    ends = await seals.chain(session)
    found = [*wrong]
    if signed is not None and signed.trail_id != ends.trail_id:
        message = "The last checkpoint is of another trail, so this is not the database that was signed for."
        found.append(Wrong(Code.OTHER_TRAIL, signed.position, message))
    elif signed is not None and signed.position >= ends.kept_after:
        there = await seals.hash_at(session, signed.position)
        if there is None:
            message = f"Entry {signed.position} was signed for, and the trail ends at {ends.position}."
            found.append(Wrong(Code.CUT, signed.position, message))
        elif there != signed.hash:
            message = f"Something up to entry {signed.position} was changed since it was signed for."
            found.append(Wrong(Code.COMPUTED_ANEW, signed.position, message))
    found += await _of_rows(session, rows)
    return Standing(ends.position, ends.sealed_at, signed, tuple(found))


async def _of_rows(session: AsyncSession, rows: Sequence[AuditEvent]) -> list[Wrong]:
    """Return those of these entries that are not what was sealed; one that has no place yet is left out."""
    by_id = {row.id: row for row in rows}
    query = select(AuditSeal.event_id, AuditSeal.position, AuditSeal.hash).where(AuditSeal.event_id.in_(by_id))
    places = {position: (event_id, sealed) for event_id, position, sealed in await session.execute(query)}
    before = {position - 1 for position in places} - places.keys()
    query_before = select(AuditSeal.position, AuditSeal.hash).where(AuditSeal.position.in_(before))
    hashes = {row[0]: row[1] for row in await session.execute(query_before)}
    hashes |= {position: sealed for position, (_, sealed) in places.items()}
    ends = await seals.chain(session)
    hashes.setdefault(ends.kept_after, ends.kept_hash)
    return [
        Wrong(Code.CHANGED, position, f"Entry {position} is not what was sealed.")
        for position, (event_id, sealed) in sorted(places.items())
        if position - 1 not in hashes or link(hashes[position - 1], position, entry_of(by_id[event_id])) != sealed
    ]


async def check_everything(database: Database, settings: Settings) -> Verdict:
    """Check the whole trail against itself and against the checkpoints of this machine."""
    public = settings.data_dir / signing.PUBLIC_FILE
    keys = await asyncio.to_thread(signing.read_public, public) if public.is_file() else []
    return await verify(database, await asyncio.to_thread(checkpoints.read, settings.checkpoints_path), keys)
