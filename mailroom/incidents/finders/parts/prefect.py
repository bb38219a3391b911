"""Find a Prefect that answers no process."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.incidents.finders.parts.hysteresis import still_open
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.watching.checks import prefect
from mailroom.watching.signs.written import read_prefect

KINDS = frozenset({IncidentKind.PREFECT_SILENT})
SUBJECT = "prefect"


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the trouble where Prefect has answered none of the living processes for too long."""
    before = await still_open(session, IncidentKind.PREFECT_SILENT)
    seen = read_prefect(await heartbeats.every(session), now)
    if seen is None:
        return list(before.values())
    if not prefect.is_silent(seen, settings, now, was_silent=SUBJECT in before):
        return []
    since = seen.heard_at or seen.asked_since
    values = {"since": since.isoformat(), "error": seen.signs.error or seen.signs.busy}
    return [Trouble(IncidentKind.PREFECT_SILENT, SUBJECT, Severity.CRITICAL, values)]
