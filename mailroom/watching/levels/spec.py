"""Say what is promised of all runs together. docs/operations/service-levels.md says what is counted, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class LevelName(StrEnum):
    """The service levels. The word is part of metrics and of the API: it only grows.

    success: occurrences that succeed. on_time: those that are delivered within five minutes of their time. recovery:
    occurrences in which something failed, and that a retry saved. adoption: people active in 30 days who own an active
    schedule.
    """

    SUCCESS = "success"
    ON_TIME = "on_time"
    RECOVERY = "recovery"
    ADOPTION = "adoption"


class Period(StrEnum):
    """The lengths of time that levels are told for. A period begins at a full hour."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        return {Period.DAY: timedelta(hours=24), Period.WEEK: timedelta(days=7), Period.MONTH: timedelta(days=30)}[self]


GOALS = {LevelName.SUCCESS: 0.999, LevelName.ON_TIME: 0.95, LevelName.RECOVERY: 0.9}
"""The goals that the levels have; of adoption nothing is promised."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level in a period: `good` of `total` were as promised; `goal` is the share that is promised, if one is."""

    name: LevelName
    good: int
    total: int
    goal: float | None = None

    @property
    def share(self) -> float | None:
        """Return the share that was as promised; None where nothing was counted."""
        return self.good / self.total if self.total else None

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is met; None where nothing was counted, or nothing is promised."""
        if self.goal is None or not self.total:
            return None
        return self.good >= self.goal * self.total


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of the occurrences that were due from `since` up to `until`."""

    period: Period
    since: datetime
    until: datetime
    success: Level
    on_time: Level
    recovery: Level

    @property
    def every(self) -> tuple[Level, Level, Level]:
        """Return all of them."""
        return self.success, self.on_time, self.recovery
