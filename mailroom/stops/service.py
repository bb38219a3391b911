"""Stop what leaves, and let it leave again. Everything else asks whether a stop stands; nothing else sets one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.audit import repository as audit
from mailroom.audit.events import StopBegun, StopEnded
from mailroom.context import Origin
from mailroom.errors import Conflict
from mailroom.stops import repository as stops
from mailroom.stops.coverage import covers, of_people
from mailroom.stops.spec import StopCause, StopRequest, StopScope, WhatWasDue, words_of
from mailroom.storage.contention import Overtaken
from mailroom.storage.database import new_id
from mailroom.storage.stop_tables import Stop


async def stop(
    session: AsyncSession, wanted: StopRequest, *, by: str, now: datetime, origin: Origin = audit.NOWHERE
) -> tuple[Stop, bool]:
    """Stop something; return the stop that stands now, and whether it is new. Stopping twice changes nothing."""
    return await _begin(session, wanted.scope, wanted.target, StopCause.PERSON, wanted.reason, by, now, origin=origin)


async def stop_restored(session: AsyncSession, reason: str, *, known_until: datetime, now: datetime) -> Stop:
    """Stop everything since the database is older than what was sent."""
    scope, cause = StopScope.ALL, StopCause.RESTORED
    begun, _ = await _begin(session, scope, "", cause, reason, audit.MAILROOM, now, known_until=known_until)
    return begun


async def stop_for_keys(session: AsyncSession, reason: str, *, by: str, now: datetime) -> tuple[Stop, bool]:
    """Stop everything while the key of Prefect's blocks is changed; return the stop, and whether it is new."""
    return await _begin(session, StopScope.ALL, "", StopCause.KEYS, reason, by, now)


async def lift_for_keys(session: AsyncSession, *, by: str, now: datetime) -> bool:
    """Let everything go on that waited for the key alone; return whether anything did. A person's stop stays."""
    found = [one for one in await stops.at(session, StopScope.ALL, "", viewer=SYSTEM) if one.cause == StopCause.KEYS]
    await lift(session, found, what_was_due=None, by=by, now=now)
    return bool(found)


async def begin_read_only(session: AsyncSession, reason: str, *, by: str, now: datetime) -> tuple[Stop, bool]:
    """Stop everything, and let the API refuse changes, until it is ended. Return the stop, and whether it is new."""
    return await _begin(session, StopScope.ALL, "", StopCause.READ_ONLY, reason, by, now)


async def end_read_only(session: AsyncSession, *, by: str, now: datetime) -> bool:
    """Let changes and deliveries go on; return whether Mailroom was read-only. Other stops stay."""
    found = await read_only_stop(session)
    await lift(session, [found] if found else [], what_was_due=None, by=by, now=now)
    return found is not None


async def read_only_stop(session: AsyncSession) -> Stop | None:
    """Return the stop by which Mailroom is read-only, or None where it is not."""
    found = await stops.at(session, StopScope.ALL, "", viewer=SYSTEM)
    return next((one for one in found if one.cause == StopCause.READ_ONLY), None)


async def stop_connection(
    session: AsyncSession, name: str, cause: StopCause, reason: str, *, now: datetime
) -> tuple[Stop, bool]:
    """Stop what goes through a connection, for its breaker; return the stop, and whether it is new."""
    return await _begin(session, StopScope.CONNECTION, name, cause, reason, audit.MAILROOM, now)


async def _begin(
    session: AsyncSession,
    scope: StopScope,
    target: str,
    cause: StopCause,
    reason: str,
    by: str,
    now: datetime,
    *,
    known_until: datetime | None = None,
    origin: Origin = audit.NOWHERE,
) -> tuple[Stop, bool]:
    values = {
        "id": new_id(),
        "scope": str(scope),
        "target": target,
        "cause": str(cause),
        "reason": reason,
        "stopped_by": by,
        "stopped_at": now,
        "known_until": known_until,
    }
    begun = await stops.insert(session, values)
    if begun is None:
        standing = [one for one in await stops.at(session, scope, target, viewer=SYSTEM) if one.cause == cause]
        if not standing:
            raise Overtaken("The stop that stood has been resumed meanwhile.")
        return standing[0], False
    event = StopBegun(begun.id, str(scope), target, str(cause), reason)
    audit.record(session, event, at=now, actor=by, origin=origin)
    return begun, True


async def lift(
    session: AsyncSession,
    standing: Sequence[Stop],
    *,
    what_was_due: WhatWasDue | None,
    by: str,
    now: datetime,
    origin: Origin = audit.NOWHERE,
) -> None:
    """End stops; what waits for them is woken by the reconciler. One that somebody else has ended stays as it is."""
    for one in standing:
        if await stops.lift(session, one.id, by=by, now=now):
            chosen = what_was_due if one.cause == StopCause.RESTORED else None
            event = StopEnded(one.id, one.scope, one.target, chosen)
            audit.record(session, event, at=now, actor=by, origin=origin)


async def refuse_where_stopped(session: AsyncSession, connection: str) -> None:
    """Refuse to send something at once through a connection while a stop covers it. A breaker does not keep a person
    from trying whether the connection works.

    Raises:
        Conflict: naming the stop.
    """
    for one in of_people(await stops.list_standing(session, viewer=SYSTEM)):
        if covers(one, schedule_id="", report_id="", connection=connection):
            raise Conflict(
                f"Sending is stopped for {words_of(one.scope, one.target)}: {one.reason}",
                remedy="GET /api/v1/stops shows the stops; POST /api/v1/resume ends one.",
                code="stopped",
            )
