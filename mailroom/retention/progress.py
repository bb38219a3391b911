"""Read and write how far the removal of old rows has come, and let one process at a time do it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.inserting import insert_into
from mailroom.storage.model.upkeep.retention import RetentionProgress

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """Name what has a row of its own: `round` holds the lease of the process that removes."""

    ROUND = "round"
    ATTEMPTS = "attempts"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of (`at`, `id`)."""

    at: datetime = _EPOCH
    id: str = ""


async def place_of(session: AsyncSession, kind: Kind) -> Place:
    """Return up to where a kind was looked at; the beginning of time before the first look."""
    row = await session.get(RetentionProgress, kind)
    return Place() if row is None else Place(row.at, row.id)


async def write_place(session: AsyncSession, kind: Kind, place: Place) -> None:
    """Keep up to where a kind was looked at."""
    values = {"at": place.at, "id": place.id}
    insert = insert_into(session, RetentionProgress).values(kind=kind, leased_until=_EPOCH, **values)
    await session.execute(insert.on_conflict_do_update(index_elements=["kind"], set_=values))


async def take_lease(session: AsyncSession, *, now: datetime, until: datetime) -> bool:
    """Return whether this process may remove until then; two that ask at once do not both get it."""
    insert = insert_into(session, RetentionProgress).values(kind=Kind.ROUND, at=_EPOCH, id="", leased_until=_EPOCH)
    await session.execute(insert.on_conflict_do_nothing())
    free = update(RetentionProgress).where(RetentionProgress.kind == Kind.ROUND, RetentionProgress.leased_until <= now)
    taken = await session.execute(free.values(leased_until=until).returning(RetentionProgress.kind))
    return taken.scalar_one_or_none() is not None


async def extend_lease(session: AsyncSession, *, until: datetime) -> None:
    """Keep the lease for longer. As the first statement of a transaction it also takes SQLite's write lock: what is
    read after it cannot be overtaken, so the transaction is not run again.
    """
    row = update(RetentionProgress).where(RetentionProgress.kind == Kind.ROUND)
    await session.execute(row.values(leased_until=until))


async def give_back(session: AsyncSession, *, now: datetime) -> None:
    """Let the next process remove, since this one has ended."""
    await extend_lease(session, until=now)
