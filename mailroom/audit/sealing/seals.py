"""The chain of the audit trail in the database: what is not sealed yet, how it is sealed, and how it is read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit.sealing.chain import entry_of, link
from mailroom.storage.model.audit import AuditChain, AuditSeal
from mailroom.storage.tables import AuditEvent

ROW = 1
"""The id of the only row of the chain."""


async def chain(session: AsyncSession) -> AuditChain:
    """Return the ends of the chain."""
    return (await session.scalars(select(AuditChain).where(AuditChain.id == ROW))).one()


async def lock(session: AsyncSession) -> AuditChain:
    """Return the ends of the chain, and keep every other sealer waiting until the transaction ends.

    Nobody else takes this lock: whoever writes an entry does not wait for a sealer.
    """
    query = update(AuditChain).where(AuditChain.id == ROW).values(id=ROW)
    return (await session.scalars(query.returning(AuditChain).execution_options(populate_existing=True))).one()


async def unsealed(session: AsyncSession, *, since: datetime | None, limit: int) -> Sequence[AuditEvent]:
    """Return entries that have no place in the chain yet, oldest first.

    Args:
        since: look at entries from this time on only, which is quick; None looks at all of them.
    """
    query = select(AuditEvent).outerjoin(AuditSeal, AuditSeal.event_id == AuditEvent.id)
    query = query.where(AuditSeal.position.is_(None))
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    return (await session.scalars(query.order_by(AuditEvent.at, AuditEvent.id).limit(limit))).all()


async def seal(session: AsyncSession, *, now: datetime, since: datetime | None, limit: int) -> int:
    """Give the next entries their places at the end of the chain; return how many there were.

    The place is given here, and not when the entry is written. On Postgres, entries become visible in another order
    than they were written, and one may become visible after later ones were sealed: it simply gets a later place, so
    that no place is ever left empty for what may still come.
    """
    ends = await lock(session)
    events = await unsealed(session, since=since, limit=limit)
    rows = []
    for position, event in enumerate(events, start=ends.position + 1):
        ends.hash = link(ends.hash, position, entry_of(event))
        rows.append({"position": position, "event_id": event.id, "hash": ends.hash})
    if rows:
        await session.execute(insert(AuditSeal), rows)
        ends.position += len(rows)
        ends.sealed_at = now
    return len(rows)


async def hash_at(session: AsyncSession, position: int) -> str | None:
    """Return the hash of the chain at a place, or None where there is none."""
    ends = await chain(session)
    if position == ends.kept_after:
        return ends.kept_hash
    return (await session.scalars(select(AuditSeal.hash).where(AuditSeal.position == position))).one_or_none()


async def sealed_after(
    session: AsyncSession, position: int, *, limit: int
) -> Sequence[tuple[AuditSeal, AuditEvent | None]]:
    """Return the next seals after a place, each with its entry, None where that is gone."""
    query = select(AuditSeal, AuditEvent).outerjoin(AuditEvent, AuditEvent.id == AuditSeal.event_id)
    query = query.where(AuditSeal.position > position).order_by(AuditSeal.position).limit(limit)
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]
