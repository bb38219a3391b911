"""Check whether a worker of our pool lives, by what Prefect has heard. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailroom.settings import Settings
from mailroom.watching.checks.spec import Check, CheckName, State
from mailroom.watching.signs.prefect import PrefectSigns, WorkerSign

_INTERVALS = 3
_ALLOWANCE = 5.0


def limit(worker: WorkerSign, settings: Settings) -> timedelta:
    """Return for how long this worker may be silent."""
    return timedelta(seconds=settings.worker_silent_seconds or _INTERVALS * worker.interval + _ALLOWANCE)


def judge(signs: PrefectSigns, settings: Settings, now: datetime, *, was_silent: bool = False) -> Check:
    """Return whether a worker was heard from lately; after a silence, only one that was heard from just now counts."""
    if not signs.knows:
        return Check(CheckName.WORKER, State.UNKNOWN, "Not checked, because Prefect does not say.")
    part = 2 if was_silent else 1
    online = [one.name for one in signs.workers if now - one.heard_at <= limit(one, settings) / part]
    if online:
        count = f"{len(online)} worker{'' if len(online) == 1 else 's'} online"
        return Check(CheckName.WORKER, State.OK, count, detail=", ".join(online))
    since = max((one.heard_at for one in signs.workers), default=None)
    message = "No worker is online, so no schedule would run."
    return Check(CheckName.WORKER, State.PROBLEM, message, "Start it with `mailroom up`, or on its machine.", since)
