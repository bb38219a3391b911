"""Breakers at work: attempts ask them and tell them how they ended, and persons enable what they have disabled.

While a breaker is not closed, a stop with its cause stands: it holds executions back, and wakes them when it is lifted.
Each function works in the caller's transaction; the row of a breaker is the last thing that is locked in it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import connection_events as audited
from mailroom.audit import repository as audit
from mailroom.connections import repository as connections
from mailroom.connections.breaker import decide, reach
from mailroom.connections.breaker import repository as stored
from mailroom.connections.breaker.decide import Breaker, Cause, Sign
from mailroom.connections.breaker.reach import Reached
from mailroom.connections.breaker.repository import Counts, breaker_of
from mailroom.connections.seen import uses
from mailroom.connections.turns import repository as turns
from mailroom.context import Context
from mailroom.notifications.connection_events import ConnectionDisabled, ConnectionEnabled
from mailroom.notifications.service import notify
from mailroom.states import BreakerState
from mailroom.stops import repository as stops
from mailroom.stops import service as stopping
from mailroom.stops.spec import StopCause, StopScope
from mailroom.storage.model.connection_health import ConnectionHealth

_LOG = logging.getLogger(__name__)
_S = BreakerState


async def admit(session: AsyncSession, name: str, *, lasts: timedelta, now: datetime) -> bool:
    """Tell whether an attempt may try a connection whose breaker is open; then it counts as one that tries it.

    Args:
        lasts: how long the attempt may take.
    """
    row = await stored.hold(session, name, now=now)
    if row.state is _S.CLOSED:
        return True  # It was closed just now; the attempt counts like any other, which `tried` sees.
    admitted = decide.admit(breaker_of(row), now=now, lasts=lasts)
    if admitted is not None:
        await stored.write(session, name, admitted)
    return admitted is not None


async def record(
    session: AsyncSession,
    name: str,
    sign: Sign | None,
    *,
    probing: bool,
    why: str,
    now: datetime,
    refused: bool = False,
) -> None:
    """Record how an attempt through a connection has ended. One that worked takes one statement.

    Args:
        sign: what it says of the connection; None where it says nothing.
        probing: whether it was one of the few that tried an open breaker's connection.
        why: what was wrong.
        refused: whether the far side refused how we came, such as a password.
    """
    if probing or sign is Sign.GONE:
        row = await stored.hold(session, name, now=now)
        before = breaker_of(row)
        await _become(session, row, before, decide.tried(before, sign, now=now, refused=refused), why, now)
    elif sign is not None:
        await stored.count(session, name, worked=sign is Sign.WORKS, now=now)
        if sign is Sign.FAILS:
            await _open_where_many_failed(session, name, why, now, refused=refused)


async def begin_reaching(session: AsyncSession, name: str, *, now: datetime) -> Breaker | None:
    """Let the caller, and nobody else for a while, reach for the far side of an open breaker.

    Return the breaker meanwhile, or None where it is not to be reached for now.
    """
    row = await stored.hold(session, name, now=now)
    begun = reach.begun(breaker_of(row), now=now)
    if begun is not None:
        await stored.write(session, name, begun)
    return begun


async def record_reached(session: AsyncSession, name: str, begun: Breaker, found: Reached, *, now: datetime) -> bool:
    """Record what came of reaching for a far side; return whether a delivery may try it now.

    Args:
        begun: the breaker that `begin_reaching` returned. Where it has moved since, nothing changes.
    """
    row = await stored.hold(session, name, now=now)
    before = breaker_of(row)
    after = reach.ended(before, begun, found, now=now)
    if after == before:
        return False
    await stored.write(session, name, after)
    return decide.brought_forward(after)


async def _open_where_many_failed(session: AsyncSession, name: str, why: str, now: datetime, *, refused: bool) -> None:
    found = (await stored.counts(session, [name], now=now)).get(name, Counts())
    if not decide.trips(found.worked, found.failed):
        return
    row = await stored.hold(session, name, now=now)
    before = breaker_of(row)
    if before.state is not _S.CLOSED:
        return
    total = found.worked + found.failed
    reason = f"{found.failed} of {total} attempts within {decide.WINDOW.seconds // 60} minutes failed. The last: {why}"
    await _become(session, row, before, decide.opened(before, now=now, refused=refused), reason, now)


async def _become(
    session: AsyncSession, row: ConnectionHealth, before: Breaker, after: Breaker, why: str, now: datetime
) -> None:
    """Write what was decided, and what follows from another state."""
    if after == before:
        return
    name, reason, stop_id = row.name, row.reason, row.stop_id
    if after.state is not before.state:
        _LOG.warning("The breaker of the connection %s is %s now. %s", name, after.state, why)
        match after.state:
            case _S.OPEN:
                reason = why
                begun, _ = await stopping.stop_connection(session, name, StopCause.BREAKER, why, now=now)
                stop_id = begun.id
            case _S.DISABLED:
                reason = _why_disabled(after, why)
                stop_id = await _disable(session, name, stop_id, after, reason, now)
            case _S.CLOSED:
                reason, stop_id = "", None
                await _lift(session, name, by=audit.MAILROOM, now=now)
    await stored.write(session, name, after, reason=reason, stop_id=stop_id)


def _why_disabled(after: Breaker, why: str) -> str:
    if after.trips >= decide.MOST_TRIPS:
        return f"It did not work {after.trips} times in a row. The last: {why}"
    return f"The far side says that it is gone for good: {why}"


async def _disable(
    session: AsyncSession, name: str, stop_id: str | None, after: Breaker, reason: str, now: datetime
) -> str:
    """Hold everything back until a person enables the connection; tell those who wait, and admins, once."""
    if stop_id is None:
        stop_id = (await stopping.stop_connection(session, name, StopCause.DISABLED, reason, now=now))[0].id
    else:
        await stops.turn_into(session, stop_id, StopCause.DISABLED, reason)
    audit.record(session, audited.ConnectionDisabled(name, reason, after.trips), at=now)
    told = [ConnectionDisabled(user_id, name, reason) for user_id in await _concerned(session, name)]
    await notify(session, told, at=now)
    return stop_id


async def _concerned(session: AsyncSession, name: str) -> list[str]:
    """Return the ids of the admins, and of those whose schedules send through the connection."""
    admins = [admin.id for admin in await access.active_admins(session)]
    return sorted({*admins, *await uses.owners_of(session, name)})


async def _lift(session: AsyncSession, name: str, *, by: str, now: datetime) -> None:
    """Let go on what waited, and forget what was counted before."""
    standing = await stops.at(session, StopScope.CONNECTION, name, viewer=SYSTEM)
    own = [one for one in standing if one.cause in (StopCause.BREAKER, StopCause.DISABLED)]
    await stopping.lift(session, own, what_was_due=None, by=by, now=now)
    await stored.forget_counts(session, name)


async def enable(session: AsyncSession, name: str, context: Context) -> None:
    """Close the breaker of a connection at once, as a person asks; what waited goes on. A closed one stays so.

    Raises:
        NotFound, Forbidden.
    """
    await connections.get(session, name, viewer=context.viewer, doing=Action.CONNECTION_CHANGE)
    await _close(session, name, context, by_change=False)


async def changed(session: AsyncSession, name: str, context: Context) -> None:
    """Close the breaker of a connection that got other settings, and forget its turns: its limits may be others."""
    await _close(session, name, context, by_change=True)
    await turns.forget(session, name)


async def _close(session: AsyncSession, name: str, context: Context, *, by_change: bool) -> None:
    row = await stored.hold(session, name, now=context.now)
    before = breaker_of(row)
    if before.state is _S.CLOSED:
        return
    after = decide.closed(before, Cause.PERSON, now=context.now)
    await _lift(session, name, by=context.user.email, now=context.now)
    await stored.write(session, name, after, reason="", stop_id=None)
    audit.record_by(session, audited.ConnectionEnabled(name, str(before.state), by_change), context)
    if before.state is _S.DISABLED:
        told = [ConnectionEnabled(one, name, context.who) for one in await _concerned(session, name)]
        await notify(session, told, at=context.now, by=context.user.id)


async def forget(session: AsyncSession, name: str, context: Context) -> None:
    """Forget what is known of a connection that is deleted; a new one of its name begins anew."""
    await _lift(session, name, by=context.user.email, now=context.now)
    await stored.forget(session, name)
    await turns.forget(session, name)


@dataclass(frozen=True, slots=True)
class Shown:
    """A breaker as people see it: its state with its reason, and what was counted within the window."""

    state: BreakerState
    since: datetime | None
    reason: str
    trips: int
    next_probe_at: datetime | None
    failed: int
    attempts: int


async def shown(session: AsyncSession, names: Collection[str], *, now: datetime) -> dict[str, Shown]:
    """Return the breakers of these connections, by name."""
    rows = await stored.every(session, names)
    counted = await stored.counts(session, names, now=now)
    return {name: _shown(rows.get(name), counted.get(name, Counts())) for name in names}


def _shown(row: ConnectionHealth | None, counted: Counts) -> Shown:
    attempts = counted.worked + counted.failed
    if row is None:
        return Shown(_S.CLOSED, None, "", 0, None, counted.failed, attempts)
    probe_at = row.probe_at if row.state is _S.OPEN else None
    return Shown(row.state, row.since, row.reason, row.trips, probe_at, counted.failed, attempts)
