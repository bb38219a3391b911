"""Find that what is due is not begun, though Prefect answers and a worker lives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.incidents.finders.parts.hysteresis import still_open
from mailroom.incidents.finders.parts.worker import is_known
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.watching.checks import queue, worker
from mailroom.watching.checks import repository as stored
from mailroom.watching.checks.spec import State
from mailroom.watching.signs.written import read_prefect

KINDS = frozenset({IncidentKind.QUEUE_BEHIND})


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the trouble where the oldest due occurrence waits for too long.

    Without Prefect or a worker everything waits, which their own incidents tell; this one stays as it is meanwhile.
    """
    before = await still_open(session, IncidentKind.QUEUE_BEHIND)
    seen = read_prefect(await heartbeats.every(session), now)
    if not is_known(seen, settings, now):
        return list(before.values())
    assert seen is not None
    if worker.judge(seen.signs, settings, now).state is not State.OK:
        return list(before.values())
    oldest = await stored.oldest_due(session, now=now)
    was_behind = settings.work_pool in before
    check = queue.judge(oldest, seen.signs.oldest_waiting, settings, now, was_behind=was_behind)
    if check.state is not State.PROBLEM or check.since is None:
        return []
    values = {"pool": settings.work_pool, "since": check.since.isoformat()}
    return [Trouble(IncidentKind.QUEUE_BEHIND, settings.work_pool, Severity.ERROR, values)]
