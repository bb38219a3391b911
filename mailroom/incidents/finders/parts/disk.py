"""Find disks that are nearly full, one trouble for each machine that a process lives on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.incidents.finders.parts.hysteresis import still_open
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.watching.checks import disk
from mailroom.watching.checks.spec import State
from mailroom.watching.signs.written import DISK, of_living

KINDS = frozenset({IncidentKind.DISK_LOW})
_SEVERITIES = {State.WARNING: Severity.ERROR, State.PROBLEM: Severity.CRITICAL}


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the machines whose disks have too little room. One that nobody sees any more stays as it is."""
    before = await still_open(session, IncidentKind.DISK_LOW)
    newest = {}
    for beat in sorted(of_living(await heartbeats.every(session), DISK, now), key=lambda one: one.last_success):
        newest[beat.detail["host"]] = int(beat.detail["free_mb"])
    found = [trouble for host, trouble in before.items() if host not in newest]
    for host, free in newest.items():
        severity = _SEVERITIES.get(disk.judge(free, settings, was_low=host in before).state)
        if severity is not None:
            values = {"host": host, "free_mb": free, "least_mb": settings.min_free_mb, "low_mb": settings.disk_low_mb}
            found.append(Trouble(IncidentKind.DISK_LOW, host, severity, values))
    return found
