"""Reckon the service levels from counts, and decide when one is missed. Pure.

What counts is a scheduled occurrence that has ended as success, partial, failed or missed. Skipped and cancelled ones
are left out: a rule of their schedule or a person ended them. One that has not ended yet counts once it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.states import ExecutionState
from mailroom.watching.counts.names import below
from mailroom.watching.levels.spec import GOALS, Level, LevelName

COUNTED = (ExecutionState.SUCCESS, ExecutionState.PARTIAL, ExecutionState.FAILED, ExecutionState.MISSED)
BAD = frozenset(COUNTED) - {ExecutionState.SUCCESS}

MANY = 1000
"""A rate says something from this many counted occurrences a day on: 99.9 % of fewer is less than one failure."""
FAST_BURN = 14.4
"""At this rate of failures the budget of 30 days is spent in two days: it is an error."""
SLOW_BURN = 6.0
"""At this rate it is spent in five days."""
FEW_FAILURES = 3
"""This many failures in a day miss the level of success where there are few occurrences."""
MANY_FEW_FAILURES = 10
"""And so many are an error."""
FEWEST_COUNTED = 20
"""Being late or not recovering says nothing of the house where fewer occurrences than this were counted in a day."""


def success(counts: Mapping[str, float]) -> Level:
    """Return how many of what counts succeeded."""
    ended = below(counts, "ended")
    total = sum(int(ended.get(state, 0)) for state in COUNTED)
    return _level(LevelName.SUCCESS, ended.get(ExecutionState.SUCCESS, 0), total)


def on_time(counts: Mapping[str, float]) -> Level:
    """Return how many of what counts succeeded within five minutes of their time."""
    return _level(LevelName.ON_TIME, counts.get("on_time", 0), success(counts).total)


def recovery(counts: Mapping[str, float]) -> Level:
    """Return how many of those in which something failed were saved by a retry that nobody had to ask for."""
    return _level(LevelName.RECOVERY, counts.get("recovered", 0), counts.get("troubled", 0))


def _level(name: LevelName, good: float, total: float) -> Level:
    return Level(name, int(good), int(total), GOALS.get(name))


@dataclass(frozen=True, slots=True)
class Miss:
    """A level that is missed. `rate` is how many times faster than promised failures come, where there are many."""

    level: Level
    urgent: bool
    rate: float | None = None


def burn_rate(level: Level) -> float:
    """Return how many times faster than promised failures come; 1 spends the whole budget and no more."""
    assert level.goal is not None, "only a promise has a budget"
    return (level.total - level.good) / level.total / (1 - level.goal) if level.total else 0.0


def missed(
    day: Mapping[str, float], six_hours: Mapping[str, float], two_hours: Mapping[str, float]
) -> dict[LevelName, Miss]:
    """Return the levels that are missed at this moment.

    Success: where a day counts more than `MANY` occurrences, its budget is spent too fast, over six hours and still in
    the last two; where it counts fewer, so many failed in the day. The others: the goal is missed over the day.

    Args:
        day: the counts of the last 24 hours, and so on; each ends now and begins at a full hour.
    """
    found = {}
    whole = success(day)
    if whole.total > MANY:
        rates = min(burn_rate(success(six_hours)), burn_rate(success(two_hours)))
        if rates >= SLOW_BURN:
            found[LevelName.SUCCESS] = Miss(whole, urgent=rates >= FAST_BURN, rate=rates)
    elif (failures := whole.total - whole.good) >= FEW_FAILURES:
        found[LevelName.SUCCESS] = Miss(whole, urgent=failures >= MANY_FEW_FAILURES)
    for level in (on_time(day), recovery(day)):
        if level.met is False and whole.total >= FEWEST_COUNTED and level.total >= FEW_FAILURES:
            found[level.name] = Miss(level, urgent=False)
    return found
