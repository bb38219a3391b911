"""Find the service levels that are missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.watching.levels import decide
from mailroom.watching.levels.decide import Miss
from mailroom.watching.levels.read import counts_of
from mailroom.watching.levels.spec import Period

KINDS = frozenset({IncidentKind.LEVEL_MISSED})


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return a trouble for each level that is missed now; its subject is the level."""
    day = await counts_of(session, Period.DAY.length, now=now)
    six_hours = await counts_of(session, timedelta(hours=6), now=now)
    two_hours = await counts_of(session, timedelta(hours=2), now=now)
    return [
        Trouble(
            IncidentKind.LEVEL_MISSED,
            subject=str(name),
            severity=Severity.ERROR if miss.urgent else Severity.WARNING,
            values=_values(miss),
        )
        for name, miss in decide.missed(day, six_hours, two_hours).items()
    ]


def _values(miss: Miss) -> dict[str, Any]:
    """Return what the words of the trouble need: of so many in a day so many were as promised, and the promise."""
    level = miss.level
    values: dict[str, Any] = {"good": level.good, "total": level.total, "goal": level.goal, "period": str(Period.DAY)}
    return values if miss.rate is None else {**values, "burn_rate": round(miss.rate, 1)}
