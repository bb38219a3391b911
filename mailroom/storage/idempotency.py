"""Keeps the answer of a POST with an `Idempotency-Key` for its repeats."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.inserting import insert_into
from mailroom.storage.tables import IdempotencyKey

KEPT = timedelta(hours=24)
BROKEN_OFF = timedelta(minutes=10)


async def claim(
    session: AsyncSession, *, key: str, user_id: str, request_hash: str, now: datetime
) -> IdempotencyKey | None:
    """Take the key; returns None when it is ours now, or the row of the request that had it first.

    Keys older than `KEPT`, and unanswered ones older than `BROKEN_OFF`, count as never used: an answer is committed
    together with the work that it tells of, so a key without one did nothing.
    """
    old = or_(
        IdempotencyKey.created_at < now - KEPT,
        and_(IdempotencyKey.status_code.is_(None), IdempotencyKey.created_at < now - BROKEN_OFF),
    )
    mine = (IdempotencyKey.key == key, IdempotencyKey.user_id == user_id)
    await session.execute(delete(IdempotencyKey).where(*mine, old))
    values = {"key": key, "user_id": user_id, "request_hash": request_hash, "created_at": now}
    insert = (
        insert_into(session, IdempotencyKey).values(**values).on_conflict_do_nothing().returning(IdempotencyKey.key)
    )
    if (await session.execute(insert)).scalar_one_or_none() is not None:
        return None
    return await session.get(IdempotencyKey, (key, user_id))


async def answer(session: AsyncSession, *, key: str, user_id: str, status_code: int, response: dict[str, Any]) -> None:
    """Keep the answer for a repeat."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.key == key, IdempotencyKey.user_id == user_id)
        .values(status_code=status_code, response=response)
    )


async def kept(session: AsyncSession, *, key: str, user_id: str, now: datetime) -> Any:
    """Return the body of the answer that is kept for a key; None where there is none."""
    row = await session.get(IdempotencyKey, (key, user_id))
    if row is None or row.response is None or row.created_at < now - KEPT:
        return None
    return row.response["body"]


async def release(session: AsyncSession, *, key: str, user_id: str) -> None:
    """Give a key back whose request was refused or broke off, so that a mended one may use it."""
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.key == key, IdempotencyKey.user_id == user_id, IdempotencyKey.status_code.is_(None)
        )
    )


async def forget_parts(session: AsyncSession, *, prefix: str, user_id: str) -> None:
    """Remove the keys of the parts of a request that is answered as a whole."""
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.user_id == user_id, IdempotencyKey.key.startswith(prefix, autoescape=True)
        )
    )


async def forget_old(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Remove keys that count as never used by now, `limit` at most; returns how many."""
    query = select(IdempotencyKey.key, IdempotencyKey.user_id).where(IdempotencyKey.created_at < now - KEPT)
    old = (await session.execute(query.limit(limit))).all()
    if old:
        await session.execute(
            delete(IdempotencyKey).where(
                tuple_(IdempotencyKey.key, IdempotencyKey.user_id).in_([(row.key, row.user_id) for row in old]),
                IdempotencyKey.created_at < now - KEPT,  # Somebody may have taken the key anew meanwhile.
            )
        )
    return len(old)
