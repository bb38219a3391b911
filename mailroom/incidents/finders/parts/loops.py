"""Find loops and processes that are silent, and that Prefect's scheduler plans nothing. A survivor tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import decide
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.decide import Silence
from mailroom.heartbeats.spec import UPKEEP, WORKERS, Beat
from mailroom.incidents.finders.parts.hysteresis import still_open
from mailroom.incidents.finders.parts.worker import is_known
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.watching.checks import scheduler, worker
from mailroom.watching.checks.spec import State
from mailroom.watching.signs.written import SIGNS, SeenOfPrefect, read_prefect

KINDS = frozenset({IncidentKind.LOOP_DEAD})
SCHEDULER = "scheduler of Prefect"
_STEADY = timedelta(minutes=2)
"""Prefect must have answered for this long before its scheduler is judged: after an outage it plans anew."""


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the troubles of what is silent."""
    before = await still_open(session, IncidentKind.LOOP_DEAD)
    beats = await heartbeats.every(session)
    seen = read_prefect(beats, now)
    return [*_of_loops(beats, seen, settings, before, now), *_of_scheduler(seen, settings, before, now)]


def _of_loops(
    beats: Sequence[Beat],
    seen: SeenOfPrefect | None,
    settings: Settings,
    before: Mapping[str, Trouble],
    now: datetime,
) -> list[Trouble]:
    steady = timedelta(seconds=settings.heartbeat_silent_seconds)
    if not decide.is_witnessed(beats, now, steady_for=steady):
        return [one for one in before.values() if one.subject != SCHEDULER]
    silent = decide.silent(beats, now, besides=SIGNS)
    return [_trouble(one) for one in silent if not _is_explained(one, seen, settings, now)]


def _is_explained(one: Silence, seen: SeenOfPrefect | None, settings: Settings, now: datetime) -> bool:
    """Tell whether the upkeep is silent since nothing could run it, which another incident tells."""
    if (one.process, one.loop) != (WORKERS, UPKEEP):
        return False
    if not is_known(seen, settings, now):
        return True
    assert seen is not None
    planned = scheduler.judge(seen.signs, now).state in (State.OK, State.WARNING)
    return not planned or worker.judge(seen.signs, settings, now).state is not State.OK


def _trouble(one: Silence) -> Trouble:
    values = {"process": one.process, "loop": one.loop, "since": one.since.isoformat()}
    return Trouble(IncidentKind.LOOP_DEAD, one.subject, Severity.CRITICAL, values)


def _of_scheduler(
    seen: SeenOfPrefect | None, settings: Settings, before: Mapping[str, Trouble], now: datetime
) -> list[Trouble]:
    kept = [before[SCHEDULER]] if SCHEDULER in before else []
    if not is_known(seen, settings, now):
        return kept
    assert seen is not None
    check = scheduler.judge(seen.signs, now)
    if check.state is State.UNKNOWN:
        return kept
    if check.state is not State.PROBLEM:
        return []
    if not kept and (seen.steady_since is None or now - seen.steady_since < _STEADY):
        return []
    until = seen.signs.planned_until
    values = {"process": "prefect", "loop": SCHEDULER, "since": None, "planned_until": until and until.isoformat()}
    return [Trouble(IncidentKind.LOOP_DEAD, SCHEDULER, Severity.CRITICAL, values)]
