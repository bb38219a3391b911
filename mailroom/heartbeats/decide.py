"""Decide which processes live, and which loops and processes are silent. Pure: the clock is passed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.heartbeats.spec import UPKEEP, WORKERS, WRITER, Beat


@dataclass(frozen=True, slots=True)
class Silence:
    """A loop that is silent, or a whole process; then `loop` is empty."""

    process: str
    loop: str
    since: datetime

    @property
    def subject(self) -> str:
        """Return what is silent, as one name."""
        return f"{self.loop} of {self.process}" if self.loop else self.process


def living(beats: Iterable[Beat], now: datetime) -> set[str]:
    """Return the processes that live: their writer is heard. Of the workers it is the upkeep that is heard."""
    return {beat.process for beat in beats if _vouches(beat) and not beat.is_late(now)}


def is_witnessed(beats: Iterable[Beat], now: datetime, *, steady_for: timedelta) -> bool:
    """Tell whether somebody has written signs of life without a miss for so long.

    When the database comes back after an outage, every process is silent in it until each has written again.
    """
    vouching = [beat for beat in beats if _vouches(beat) and not beat.is_late(now)]
    return any(beat.steady_since is not None and beat.steady_since <= now - steady_for for beat in vouching)


def silent(beats: Sequence[Beat], now: datetime, *, besides: Collection[str] = ()) -> list[Silence]:
    """Return what is silent: dead processes that no later one has replaced, and late loops of those that live.

    Args:
        besides: names that stand for no loop.
    """
    alive = living(beats, now)
    dead = [beat for beat in beats if beat.name == WRITER and beat.process not in alive]
    found = [Silence(beat.process, "", beat.last_success) for beat in _not_replaced(dead, beats, alive)]
    loops = [beat for beat in beats if beat.name not in besides and beat.process in alive | {WORKERS}]
    found += [Silence(beat.process, beat.name, beat.last_success) for beat in loops if beat.is_late(now)]
    return sorted(found, key=lambda one: (one.since, one.subject))


def replaced_by(process: str, beats: Sequence[Beat], now: datetime) -> list[str]:
    """Return the dead in whose place a process has begun: without it they would be missed again."""
    alive = living(beats, now)
    dead = [beat for beat in beats if beat.name == WRITER and beat.process not in alive]
    others = [beat for beat in beats if beat.process != process]
    missed = {beat.process for beat in _not_replaced(dead, others, alive)}
    return sorted(missed - {beat.process for beat in _not_replaced(dead, beats, alive)})


def _vouches(beat: Beat) -> bool:
    """Tell whether this one is heard as long as its process lives."""
    return beat.name == WRITER or (beat.name == UPKEEP and beat.process == WORKERS)


def _not_replaced(dead: Sequence[Beat], beats: Iterable[Beat], alive: Collection[str]) -> list[Beat]:
    """Return the dead in whose place nobody has begun: each living process replaces one of its role that died before.

    A supervisor gives a process that it starts again another number, and another machine even another name.
    """
    began: dict[str, list[datetime]] = defaultdict(list)
    for beat in sorted(beats, key=lambda one: one.began_at):
        if beat.name == WRITER and beat.process in alive:
            began[beat.role].append(beat.began_at)
    left = []
    for beat in sorted(dead, key=lambda one: one.last_success, reverse=True):
        later = [moment for moment in began[beat.role] if moment >= beat.last_success]
        if later:
            began[beat.role].remove(later[-1])
        else:
            left.append(beat)
    return left
