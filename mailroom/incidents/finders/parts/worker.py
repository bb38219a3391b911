"""Find that no worker of the pool lives."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.incidents.finders.parts.hysteresis import still_open
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.watching.checks import worker
from mailroom.watching.checks.spec import State
from mailroom.watching.signs.written import SeenOfPrefect, read_prefect

KINDS = frozenset({IncidentKind.WORKER_SILENT})
_FIRST = timedelta(seconds=30)
"""A worker has this long to be heard, after the process that asks for it has begun: they often start together."""


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the trouble where Prefect has heard from no worker for too long; it stays as it is while nobody knows."""
    before = await still_open(session, IncidentKind.WORKER_SILENT)
    seen = read_prefect(await heartbeats.every(session), now)
    was_silent = settings.work_pool in before
    if not is_known(seen, settings, now):
        return list(before.values())
    assert seen is not None
    check = worker.judge(seen.signs, settings, now, was_silent=was_silent)
    if check.state is not State.PROBLEM:
        return []
    if not was_silent and now - seen.asked_since < _FIRST:
        return []
    values = {"pool": settings.work_pool, "since": check.since.isoformat() if check.since else None}
    return [Trouble(IncidentKind.WORKER_SILENT, settings.work_pool, Severity.CRITICAL, values)]


def is_known(seen: SeenOfPrefect | None, settings: Settings, now: datetime) -> bool:
    """Tell whether somebody has heard from Prefect so lately that what it said still counts. Pure."""
    if seen is None or seen.heard_at is None or not seen.signs.knows:
        return False
    return now - seen.heard_at <= timedelta(seconds=settings.prefect_silent_seconds)
