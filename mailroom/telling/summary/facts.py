"""Define what a summary is made of, as it is read from the database for many users at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailroom.states import ExecutionState, ScheduleState


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule of a user, and when it is due by its timing."""

    user_id: str
    id: str
    name: str
    state: ScheduleState
    timing: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """A run of the week that did not reach everybody, and why."""

    user_id: str
    schedule_name: str
    execution_id: str
    due_at: datetime
    status: ExecutionState
    reason: str


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    """Everything that the summaries of one period are made of.

    Attributes:
        schedules: by user.
        runs: how many runs of the week ended in each state, by schedule.
        deliveries: how many deliveries of these runs were confirmed, by schedule.
        failed: by user, the latest first.
    """

    schedules: Mapping[str, Sequence[Planned]] = field(default_factory=dict)
    runs: Mapping[str, Mapping[ExecutionState, int]] = field(default_factory=dict)
    deliveries: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, Sequence[Failed]] = field(default_factory=dict)
