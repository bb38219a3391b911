"""Turns of connections in the database: one row each, changed by one statement that needs no lock to wait under.

An attempt takes its turn in the transaction that begins it. Only who waits for a turn commits it before: a process that
dies while it waits loses that turn, and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, delete, false, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.connections.turns.decide import (
    BETWEEN_SESSIONS,
    Limits,
    Turn,
    furthest,
    longest_line,
    micros,
    moment_of,
    wait_within,
)
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.connection_health import ConnectionTurns

_T = ConnectionTurns
_US = timedelta(microseconds=1)


async def take(session: AsyncSession, name: str, limits: Limits, *, now: datetime) -> Turn:
    """Take the next turn of a connection, or a place in the line where that turn is too far away.

    Until the transaction ends, nobody else takes one: so whoever counts its sessions next counts all of them.
    """
    at, interval = micros(now), limits.interval // _US
    if not interval:
        values: dict[str, object] = {"next_us": at, "went": True}
    else:
        false_time = _T.next_us > at + furthest(limits.interval) // _US
        free = case((false_time, at), (_T.next_us > at, _T.next_us), else_=at)
        soon = free - at <= wait_within(limits.interval) // _US
        values = {
            "next_us": case((soon, free + interval), else_=_T.next_us),
            "line_us": case((soon, _T.line_us), else_=_end_of_line(free, at, limits.interval) + interval),
            "went": case((soon, true()), else_=false()),
        }
    row = await _changed(session, name, at + interval, values)
    return Turn(moment_of(row.next_us - interval)) if row.went else Turn(moment_of(row.line_us), back=True)


async def hold(session: AsyncSession, name: str, *, now: datetime) -> None:
    """Keep others from taking a turn until the transaction ends; who has waited for one has it already."""
    await _changed(session, name, micros(now), {"went": _T.went})


async def line_up(session: AsyncSession, name: str, *, now: datetime) -> datetime:
    """Return a time to come back at for a session, after everybody else who has got one."""
    at, apart = micros(now), BETWEEN_SESSIONS // _US
    following = _end_of_line(at, at, BETWEEN_SESSIONS) + apart
    row = await _changed(session, name, at, {"line_us": following}, line_us=at + apart)
    return moment_of(row.line_us)


async def forget(session: AsyncSession, name: str) -> None:
    """Remove what is known of a connection that is gone, or that has other limits now."""
    await session.execute(delete(_T).where(_T.name == name))


def _end_of_line(free: ColumnElement[int] | int, at: int, interval: timedelta) -> ColumnElement[int]:
    """Return the last time that was given out; a line that has become too long begins anew at its front."""
    longest = longest_line(interval) // _US
    return case((_T.line_us - at > longest, free), (_T.line_us > free, _T.line_us), else_=free)


async def _changed(
    session: AsyncSession, name: str, next_us: int, values: dict[str, object], *, line_us: int = 0
) -> ConnectionTurns:
    query = insert_into(session, _T).values(name=name, next_us=next_us, line_us=line_us, went=True)
    query = query.on_conflict_do_update(index_elements=[_T.name], set_=values)
    found = await session.scalars(query.returning(_T), execution_options={"populate_existing": True})
    return found.one()
