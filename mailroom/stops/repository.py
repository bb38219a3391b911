"""Stops and the clock of the ledger in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.stops.coverage import standing
from mailroom.storage.inserting import insert_into
from mailroom.storage.stop_tables import LedgerClock, Stop
from mailroom.storage.tables import Schedule

ROW = 1
"""The id of the only row of the clock."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The stops that stand, oldest first, and the clock of the ledger as it was read with them."""

    stops: tuple[Stop, ...]
    clock: LedgerClock


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the stops that the viewer may see: all of them, for an admin."""
    return true() if viewer.sees_all else false()


async def read_standing(session: AsyncSession) -> Standing:
    """Return every stop that stands, with the clock, by one statement; a pass reads them with its surroundings."""
    query = select(LedgerClock, Stop).outerjoin(Stop, standing()).where(LedgerClock.id == ROW)
    rows = (await session.execute(query.order_by(Stop.stopped_at, Stop.id))).all()
    return Standing(tuple(row[1] for row in rows if row[1] is not None), rows[0][0])


async def list_standing(session: AsyncSession, *, viewer: Viewer) -> Sequence[Stop]:
    """Return the stops that stand, oldest first."""
    query = select(Stop).where(standing(), visible_to(viewer))
    return (await session.scalars(query.order_by(Stop.stopped_at, Stop.id))).all()


async def at(session: AsyncSession, scope: str, target: str, *, viewer: Viewer) -> Sequence[Stop]:
    """Return the stops of one thing that stand: one of each cause, at most."""
    query = select(Stop).where(standing(), Stop.scope == scope, Stop.target == target, visible_to(viewer))
    return (await session.scalars(query.order_by(Stop.stopped_at, Stop.id))).all()


async def get(session: AsyncSession, stop_id: str) -> Stop:
    """Return a stop by the id that an execution or a delivery was held with."""
    return (await session.scalars(select(Stop).where(Stop.id == stop_id))).one()


async def insert(session: AsyncSession, values: dict[str, Any]) -> Stop | None:
    """Store a stop; return None where one of the kind stands already. The database decides which of two was first."""
    query = insert_into(session, Stop).values(**values).on_conflict_do_nothing().returning(Stop)
    return (await session.scalars(query)).one_or_none()


async def lift(session: AsyncSession, stop_id: str, *, by: str, now: datetime) -> bool:
    """End a stop; return whether it still stood."""
    query = update(Stop).where(Stop.id == stop_id, standing()).values(resumed_by=by, resumed_at=now)
    return (await session.execute(query.returning(Stop.id))).scalar_one_or_none() is not None


async def turn_into(session: AsyncSession, stop_id: str, cause: str, reason: str) -> None:
    """Give a stop that stands another cause; what it holds goes on waiting for it."""
    await session.execute(update(Stop).where(Stop.id == stop_id, standing()).values(cause=cause, reason=reason))


async def tick(session: AsyncSession, *, now: datetime) -> LedgerClock:
    """Move the clock of the ledger on by one, and return it."""
    query = update(LedgerClock).where(LedgerClock.id == ROW).values(ticks=LedgerClock.ticks + 1, ticked_at=now)
    return (await session.scalars(query.returning(LedgerClock).execution_options(populate_existing=True))).one()


async def lock_clock(session: AsyncSession) -> LedgerClock:
    """Return the clock and keep it as it is until the transaction ends."""
    query = update(LedgerClock).where(LedgerClock.id == ROW).values(id=ROW)
    return (await session.scalars(query.returning(LedgerClock).execution_options(populate_existing=True))).one()


async def has_schedules(session: AsyncSession) -> bool:
    """Tell whether the database knows any schedule: one that knows none can send nothing twice."""
    return (await session.scalars(select(Schedule.id).limit(1))).first() is not None
