"""A warning: one kind of conflict, what it says to a person, and the same as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """The subject of a warning. Programs may rely on these codes; messages may change.

    `clock_change`: an occurrence falls into an hour that daylight saving skips.
    `jitter`: each run starts somewhat after its due time, as its policy says.
    `ends_soon`: its last day is near.
    `only_on_holidays`: all its due times of the coming year fall on days that it skips.
    `never_fires`: it is active and has no due time left, since its calendar was changed.
    `duplicate`: another schedule sends the same report with the same parameters to the same people about then.
    `same_file`: another schedule writes the same file.
    `crowded_minute`: too many schedules are due in the same minute.
    `runs_exceed_interval`: a run takes longer than the time until the next one.
    `connection_unchecked`: a connection that it uses was never checked with its present settings.
    `connection_check_failed`: the last check of a connection that it uses failed.
    `not_compared`: more schedules share something with it than are compared in time.
    """

    CLOCK_CHANGE = "clock_change"
    JITTER = "jitter"
    ENDS_SOON = "ends_soon"
    ONLY_ON_HOLIDAYS = "only_on_holidays"
    NEVER_FIRES = "never_fires"
    DUPLICATE = "duplicate"
    SAME_FILE = "same_file"
    CROWDED_MINUTE = "crowded_minute"
    RUNS_EXCEED_INTERVAL = "runs_exceed_interval"
    CONNECTION_UNCHECKED = "connection_unchecked"
    CONNECTION_CHECK_FAILED = "connection_check_failed"
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True, slots=True)
class ScheduleWarning:
    """`message` says what, where and what to do; `data` is JSON-ready, its members depend on `code`."""

    code: Code
    message: str
    data: dict[str, Any] = field(default_factory=dict)
