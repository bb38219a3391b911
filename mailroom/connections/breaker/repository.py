"""Keep breakers in the database: a ring of counts for each connection, and a row for a breaker that was ever open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.connections.breaker.decide import WINDOW, Breaker
from mailroom.states import BreakerState
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.connection_health import ConnectionHealth, ConnectionOutcomes

_O, _H = ConnectionOutcomes, ConnectionHealth
_PERIOD = timedelta(seconds=30)
_WITHIN = WINDOW // _PERIOD + 1
"""So many periods are counted together: the window, and the part of one that has just begun."""
_COLUMNS = ("state", "since", "trips", "probe_at", "under_way", "under_way_until", "succeeded")


@dataclass(frozen=True, slots=True)
class Counts:
    """Count the attempts through a connection that worked and that failed within the window."""

    worked: int = 0
    failed: int = 0


def _period(now: datetime) -> int:
    return (now - datetime(1970, 1, 1, tzinfo=UTC)) // _PERIOD


async def count(session: AsyncSession, name: str, *, worked: bool, now: datetime) -> None:
    """Count how an attempt ended, by one statement. The ring's oldest slot is used again."""
    period, good, bad = _period(now), int(worked), int(not worked)
    values = {"name": name, "slot": period % _WITHIN, "period": period, "worked": good, "failed": bad}
    query = insert_into(session, _O).values(**values)
    same = _O.period == period
    changes = {
        "period": period,
        "worked": case((same, _O.worked + good), else_=good),
        "failed": case((same, _O.failed + bad), else_=bad),
    }
    await session.execute(query.on_conflict_do_update(index_elements=[_O.name, _O.slot], set_=changes))


async def counts(session: AsyncSession, names: Collection[str], *, now: datetime) -> dict[str, Counts]:
    """Return what was counted for each of these within the window."""
    totals = select(_O.name, func.sum(_O.worked), func.sum(_O.failed)).where(
        _O.name.in_(names), _O.period > _period(now) - _WITHIN
    )
    return {row[0]: Counts(int(row[1]), int(row[2])) for row in await session.execute(totals.group_by(_O.name))}


async def in_a_row(session: AsyncSession, also: Collection[str], *, now: datetime) -> dict[str, Counts]:
    """Return how many attempts failed since one last worked, and how many worked, within the window.

    Where some worked and some failed in one period, nobody knows which came last: those failures do not count.

    Args:
        also: connections to return though none has failed since one worked.
    """
    query = select(_O.name, _O.worked, _O.failed).where(_O.period > _period(now) - _WITHIN)
    found: dict[str, Counts] = {}
    for name, worked, failed in await session.execute(query.order_by(_O.name, _O.period.desc())):
        before = found.get(name, Counts())
        counts_on = not worked and not before.worked
        found[name] = Counts(before.worked + worked, before.failed + (failed if counts_on else 0))
    return {name: counted for name, counted in found.items() if counted.failed or name in also}


async def every(session: AsyncSession, names: Collection[str]) -> dict[str, ConnectionHealth]:
    """Return the rows of these breakers, as far as they have ever been open."""
    rows = await session.scalars(select(_H).where(_H.name.in_(names)))
    return {row.name: row for row in rows}


async def not_closed(session: AsyncSession) -> list[ConnectionHealth]:
    """Return the breakers that are open or half open, by name."""
    wanted = (BreakerState.OPEN, BreakerState.HALF_OPEN)
    return list(await session.scalars(select(_H).where(_H.state.in_(wanted)).order_by(_H.name)))


async def to_reach(session: AsyncSession, *, now: datetime, limit: int) -> list[str]:
    """Return the connections whose far side may be reached for, those that wait longest first; see `reach`."""
    free = or_(_H.under_way_until.is_(None), _H.under_way_until <= now)
    query = select(_H.name).where(_H.state == BreakerState.OPEN, _H.probe_at > now, free)
    return list(await session.scalars(query.order_by(_H.under_way_until.nulls_first(), _H.name).limit(limit)))


async def hold(session: AsyncSession, name: str, *, now: datetime) -> ConnectionHealth:
    """Return the row of a breaker, and keep it as it is until the transaction ends. It is made where there is none."""
    fresh = {"name": name, "state": BreakerState.CLOSED, "since": now, "reason": "", "trips": 0}
    query = insert_into(session, _H).values(**fresh, under_way=0, succeeded=0)
    query = query.on_conflict_do_update(index_elements=[_H.name], set_={"name": name})
    found = await session.scalars(query.returning(_H), execution_options={"populate_existing": True})
    return found.one()


def breaker_of(row: ConnectionHealth) -> Breaker:
    """Return what a row says, for those who decide."""
    return Breaker(**{column: getattr(row, column) for column in _COLUMNS})


async def write(session: AsyncSession, name: str, breaker: Breaker, **more: Any) -> None:
    """Store what was decided of a breaker that the caller holds."""
    values = {column: getattr(breaker, column) for column in _COLUMNS}
    await session.execute(update(_H).where(_H.name == name).values(**values, **more))


async def forget_counts(session: AsyncSession, name: str) -> None:
    """Forget how attempts ended: what was before a breaker closed must not open it again."""
    await session.execute(delete(_O).where(_O.name == name))


async def forget(session: AsyncSession, name: str) -> None:
    """Remove everything that is known of a connection which is deleted."""
    await forget_counts(session, name)
    await session.execute(delete(_H).where(_H.name == name))
