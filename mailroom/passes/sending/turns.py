"""Begin an attempt when it is its connection's turn. A short wait is made here; else the delivery comes back later.

Nothing has begun while an attempt waits, so that everything is asked anew after the wait, and a process that dies
meanwhile loses a turn at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.connections.turns import repository as turns
from mailroom.connections.turns.decide import SESSION_WAIT, Limits, Turn
from mailroom.executions import delivery_lifecycle
from mailroom.executions.deliveries import has_room, room_for
from mailroom.storage.database import Database
from mailroom.storage.tables import Attempt, Delivery
from prefect_mailroom.channels.base import Channel
from prefect_mailroom.channels.limits import USUAL_SESSIONS

_LOOK = timedelta(milliseconds=200)
"""An attempt that waits in its process looks for a free session at this interval."""


class _NoSession(Exception):
    """Every session of the connection is in use; the transaction is undone, and with it the turn that it took."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Hold an attempt that is about to begin.

    Attributes:
        may_leave: whether its delivery may leave still; asked first in each transaction. It may raise `HeldBack`.
        begin: begins the attempt where a condition holds; None where it does not, or where another pass was first.
        forced: whether a person asked for it.
    """

    delivery: Delivery
    limits: Limits
    may_leave: Callable[[AsyncSession], Awaitable[bool]]
    begin: Callable[[AsyncSession, ColumnElement[bool]], Awaitable[Attempt | None]]
    forced: bool


def limits_of(channel: Channel | object) -> Limits:
    """Return the limits of a connection; the usual ones of one whose block cannot be had."""
    if isinstance(channel, Channel):
        return Limits(channel.max_per_second, channel.max_sessions)
    return Limits(None, USUAL_SESSIONS)


_LOST_RACES = 10
"""So often an attempt is begun anew where a session became free just after it found none; more is a refusal."""


async def begin_in_turn(database: Database, wanted: Beginning, *, clock: Callable[[], datetime]) -> Attempt | None:
    """Begin an attempt; None where it may not leave, where another pass was first, or where it comes back later.

    Raises:
        HeldBack: a stop keeps it from leaving.
    """
    what, has_turn = f"An attempt of delivery {wanted.delivery.id}", False
    for _ in range(SESSION_WAIT // _LOOK):
        while True:
            try:
                answer = await database.transact_patiently(partial(_begin, wanted, has_turn, clock), what)
            except _NoSession:
                break
            if not isinstance(answer, Turn):
                return answer
            await asyncio.sleep((answer.at - clock()).total_seconds())
            has_turn = True
        await asyncio.sleep(_LOOK.total_seconds())
    await database.transact_patiently(partial(_come_back, wanted, clock), what)
    return None


async def _begin(
    wanted: Beginning, has_turn: bool, clock: Callable[[], datetime], session: AsyncSession
) -> Attempt | Turn | None:
    delivery, limits, now = wanted.delivery, wanted.limits, clock()
    if not await wanted.may_leave(session):
        return None
    if has_turn:
        await turns.hold(session, delivery.connection, now=now)
    else:
        turn = await turns.take(session, delivery.connection, limits, now=now)
        if turn.back:
            await delivery_lifecycle.put_off(session, delivery, now=now, forced=wanted.forced, until=turn.at)
            return None
        if turn.at > now:
            return turn
    for _ in range(_LOST_RACES):
        attempt = await wanted.begin(session, room_for(delivery.connection, limits.sessions, now=now))
        if attempt is not None:
            return attempt
        if not await has_room(session, delivery.connection, limits.sessions, now=now):
            raise _NoSession
        # On Postgres each statement sees what was committed before it: a session may have become free in between. What
        # was taken for a refusal then would stay pending, and its execution would end without it.
    return None


async def _come_back(wanted: Beginning, clock: Callable[[], datetime], session: AsyncSession) -> None:
    now = clock()
    until = await turns.line_up(session, wanted.delivery.connection, now=now)
    await delivery_lifecycle.put_off(session, wanted.delivery, now=now, forced=wanted.forced, until=until)
