"""Find an audit trail that does not fit what was signed for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.incidents.finders.parts.hysteresis import still_open
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.watching.signs.written import TRAIL, of_living

KINDS = frozenset({IncidentKind.TRAIL_CONTRADICTED})
SUBJECT = "audit trail"


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the trouble where a process sees a checkpoint that the trail contradicts.

    One such process is enough: whoever tampers with the trail may have tampered with the checkpoints of another.
    """
    seen = of_living(await heartbeats.every(session), TRAIL, now)
    if not seen:
        return list((await still_open(session, IncidentKind.TRAIL_CONTRADICTED)).values())
    wrong = [beat for beat in seen if beat.detail["wrong"]]
    if not wrong:
        return []
    codes = sorted({code for beat in wrong for code in beat.detail["wrong"]})
    values = {"codes": codes, "message": wrong[0].detail["message"]}
    return [Trouble(IncidentKind.TRAIL_CONTRADICTED, SUBJECT, Severity.CRITICAL, values)]
