"""Say of the parts that look after all runs when each was last heard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.actions.monitoring.reading import Unread
from api.web import words
from api.web.monitoring.figures import why
from api.web.parts import Chip, Moment
from api.web.refusals import for_pages
from api.web.when import When
from mailroom.heartbeats.spec import Beat
from mailroom.settings import Settings
from mailroom.watching.checks import scheduler, worker
from mailroom.watching.checks.spec import Check, State
from mailroom.watching.signs.written import SeenOfPrefect, read_prefect

_LOOPS = {
    "reconciler": ("Reconciler", "It brings what was changed here to Prefect."),
    "watchdog": ("Watchdog", "It finds due times that nothing has begun."),
}
_OPERATOR = "Whoever runs Mailroom can start it again."


@dataclass(frozen=True, slots=True)
class Sign:
    """A part: how it is, and when it was last heard; `last` is None where it never was."""

    name: str
    chip: Chip
    told: str
    last: Moment | None


def signs_of(beats: Sequence[Beat] | Unread, settings: Settings, when: When) -> tuple[Sign, ...]:
    """Return the scheduler, the worker, the reconciler and the watchdog."""
    if isinstance(beats, Unread):
        unknown = words.CHECKS[State.UNKNOWN]
        names = ("Scheduler", "Worker", *(name for name, _ in _LOOPS.values()))
        return tuple(Sign(name, unknown, f"– {why(beats)}", None) for name in names)
    seen = read_prefect(beats, when.now)
    loops = (_loop(name, beats, when) for name in _LOOPS)
    return (_scheduler(seen, when), _worker(seen, settings, when), *loops)


def _scheduler(seen: SeenOfPrefect | None, when: When) -> Sign:
    if seen is None:
        return _never("Scheduler")
    found = scheduler.judge(seen.signs, when.now)
    told = _said(found)
    if found.state is State.OK and seen.signs.planned_until is not None:
        told = f"Runs are planned until {when.time(seen.signs.planned_until)}."
    return Sign("Scheduler", words.CHECKS[found.state], told, _moment(seen.heard_at, when))


def _worker(seen: SeenOfPrefect | None, settings: Settings, when: When) -> Sign:
    if seen is None:
        return _never("Worker")
    found = worker.judge(seen.signs, settings, when.now)
    last = max((one.heard_at for one in seen.signs.workers), default=None)
    told = f"{found.message}." if found.state is State.OK else _said(found)
    return Sign("Worker", words.CHECKS[found.state], told, _moment(last, when))


def _loop(name: str, beats: Sequence[Beat], when: When) -> Sign:
    title, does = _LOOPS[name]
    latest = max((beat for beat in beats if beat.name == name), key=lambda beat: beat.last_success, default=None)
    if latest is None:
        return _never(title)
    late = latest.is_late(when.now)
    told = f"It is silent for longer than it may be. {does} {_OPERATOR}" if late else does
    chip = words.CHECKS[State.PROBLEM if late else State.OK]
    return Sign(title, chip, told, _moment(latest.last_success, when))


def _never(name: str) -> Sign:
    return Sign(name, words.CHECKS[State.UNKNOWN], "No sign of life was written yet.", None)


def _said(check: Check) -> str:
    """Return a check as a page says it: what only operators can do is theirs."""
    remedy = for_pages(check.remedy) or (_OPERATOR if check.state is State.PROBLEM else "")
    return f"{for_pages(check.message) or check.message} {remedy}".strip()


def _moment(at: datetime | None, when: When) -> Moment | None:
    return when.moment(at, short=True, relative=True) if at is not None else None
