"""Remove entries of the audit trail that are older than is kept: only up to a signed checkpoint that fits the chain.

The place of that checkpoint becomes the beginning of the trail in one transaction, and is audited. Then the entries
before it are removed, some at a time; the triggers of the database let go of nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import TrailTrimmed
from mailroom.audit.sealing import checkpoints, seals
from mailroom.audit.sealing.checkpoints import Checkpoint
from mailroom.storage.database import Database
from mailroom.storage.model.audit import AuditSeal
from mailroom.storage.tables import AuditEvent

EVERY_SECONDS = 600.0
LATE_AFTER_SECONDS = 3600.0
BATCH = 1000


async def trim(database: Database, keys: Sequence[Ed25519PublicKey], path: Path, *, days: int, now: datetime) -> int:
    """Remove what is older than `days`, a batch; return how many entries went. 0 days keep everything."""
    if days == 0:
        return 0
    signed = await asyncio.to_thread(_old_enough, path, keys, now - timedelta(days=days))

    async def begin_later(session: AsyncSession) -> None:
        ends = await seals.lock(session)
        for one in reversed(signed):
            if one.position <= ends.kept_after or one.trail_id != ends.trail_id:
                continue
            if await seals.hash_at(session, one.position) == one.hash:
                ends.kept_after, ends.kept_hash = one.position, one.hash
                audit.record(session, TrailTrimmed(ends.trail_id, one.position), at=now)
                return

    await database.transact(begin_later)
    return await database.transact(_remove)


def _old_enough(path: Path, keys: Sequence[Ed25519PublicKey], before: datetime) -> list[Checkpoint]:
    """Return the checkpoints that were signed before a time. All entries up to their places are older."""
    found = (line.checkpoint for line in checkpoints.read(path))
    return [one for one in found if one is not None and one.at <= before and one.is_signed_by(keys)]


async def _remove(session: AsyncSession) -> int:
    """Remove a batch of entries before the beginning of the trail, each with its place in the chain."""
    ends = await seals.chain(session)
    query = select(AuditSeal.position).where(AuditSeal.position <= ends.kept_after)
    places = (await session.scalars(query.order_by(AuditSeal.position).limit(BATCH))).all()
    if not places:
        return 0
    going = AuditSeal.position <= places[-1]
    await session.execute(delete(AuditEvent).where(AuditEvent.id.in_(select(AuditSeal.event_id).where(going))))
    await session.execute(delete(AuditSeal).where(going).execution_options(synchronize_session=False))
    return len(places)
