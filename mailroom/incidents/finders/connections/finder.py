"""Find connections that do not work for many: their breaker is open, or several schedules wait or fail through them.

A connection covers the schedules that wait for it or fail through it. By the schedules alone it fails while several of
them have failed through it since anything last went well through it; what reports read from is judged so too. It also
fails while several wait to be tried again, and nothing that was tried since has worked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.finders import ledger
from mailroom.incidents.finders.connections import reads
from mailroom.incidents.finders.connections.decide import troubles
from mailroom.incidents.spec import IncidentKind, Trouble
from mailroom.settings import Settings

KINDS = frozenset({IncidentKind.CONNECTION_FAILING})


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
    """Return each connection that is in trouble."""
    breakers = await reads.breakers(session)
    failures = [*await reads.failed_deliveries(session), *await reads.failed_renderings(session)]
    open_now = await ledger.open_values(session, IncidentKind.CONNECTION_FAILING)
    lately = await reads.lately(session, open_now, now=now)
    names = sorted({*breakers, *lately, *open_now, *(one.connection for one in failures)})
    if not names:
        return []
    return troubles(
        breakers,
        failures,
        await reads.went_well(session, names),
        await reads.waiting(session, names),
        open_now=open_now,
        lately=lately,
    )
