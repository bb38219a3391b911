"""A small Prefect in memory, as a server: deployments, their schedules, flow runs, and the scheduler that plans them.

It keeps what Mailroom relies on and no more; `test_model_of_prefect.py` asks the same of it and of a real server. Its
clock is passed in, and its scheduler works when it is told how much time has gone by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State, StateType
from prefect.server.schemas.schedules import CronSchedule
from prefect.states import Scheduled

HOUR = timedelta(hours=1)
_AHEAD = timedelta(days=100)
_MIN_RUNS, _MAX_RUNS = 3, 100
_SOON = timedelta(seconds=5)
"""How long the scheduler takes to plan a deployment that was changed."""
_LOOP = timedelta(seconds=60)
"""How long it takes where only a schedule was changed: that leaves no stamp on the deployment."""


@cache
def _cron(expression: str, timezone: str) -> CronSchedule:
    """Return Prefect's own schedule; it is remembered, since checking one takes longer than asking for its dates."""
    return CronSchedule(cron=expression, timezone=timezone)


@dataclass
class Timer:
    """A deployment's schedule."""

    id: UUID
    slug: str | None
    schedule: dict[str, Any]
    active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict)

    def dates(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Return when it fires from `start` on, not after `end`, by Prefect's own code."""
        cron = _cron(self.schedule["cron"], self.schedule["timezone"])
        return iter(cron._get_dates_generator(n=_MAX_RUNS, start=start, end=end))


@dataclass
class Deployment:
    """`fields` are those of the API that are kept as they come."""

    id: UUID
    flow: str
    name: str
    fields: dict[str, Any]
    timers: list[Timer]
    updated: datetime
    planned_from: datetime
    """When the scheduler comes to it, at the earliest."""


@dataclass
class Run:
    """A flow run."""

    id: UUID
    flow: str
    deployment: UUID | None
    key: str
    parameters: dict[str, Any]
    tags: list[str]
    expected: datetime
    auto: bool
    state: State[Any]
    run_count: int = 0

    @property
    def waits(self) -> bool:
        """Return whether the run is to begin at some time."""
        return self.state.type is StateType.SCHEDULED

    @property
    def starts_at(self) -> datetime:
        """Return when the run is to begin."""
        return self.state.state_details.scheduled_time or self.expected


class ModelPrefect:
    """A Prefect server in memory."""

    def __init__(self, clock: Callable[[], datetime], new_id: Callable[[], UUID]) -> None:
        self.clock, self.new_id = clock, new_id
        self.deployments: dict[UUID, Deployment] = {}
        self.runs: dict[UUID, Run] = {}
        self.flows: dict[str, UUID] = {}
        self.blocks: dict[str, dict[str, Any]] = {}

    def state(self, state: State[Any]) -> State[Any]:
        """Return the state with the server's own time."""
        return state.model_copy(update={"timestamp": self.clock()})

    def touch(self, deployment: Deployment) -> None:
        """Stamp a change, and throw away what was planned; the scheduler comes soon."""
        deployment.updated = self.clock()
        self.replan(deployment, _SOON)

    def replan(self, deployment: Deployment, within: timedelta = _LOOP) -> None:
        """Throw away the planned runs that are not due yet; the scheduler comes back in a while."""
        now = self.clock()
        self.drop(lambda run: run.deployment == deployment.id and run.auto and run.starts_at > now)
        deployment.planned_from = now + within

    def drop(self, chosen: Callable[[Run], bool]) -> None:
        """Delete those of the runs that have not begun once."""
        self.runs = {
            key: run for key, run in self.runs.items() if not (run.waits and run.run_count == 0 and chosen(run))
        }

    def let_pass(self, start: datetime, end: datetime) -> None:
        """The scheduler's work from `start` to `end`: at each moment three runs and an hour are planned ahead."""
        for deployment in self.deployments.values():
            begin = max(start, deployment.planned_from)
            if begin <= end and not deployment.fields["paused"]:
                for timer in deployment.timers:
                    if timer.active:
                        self.plan(deployment, timer, begin, end + _AHEAD, least=end + HOUR, runs=_MIN_RUNS, after=end)

    def plan(
        self,
        deployment: Deployment,
        timer: Timer,
        start: datetime,
        until: datetime,
        *,
        least: datetime,
        runs: int,
        after: datetime,
    ) -> None:
        """Insert the runs from `start` on up to `least`, and until `runs` of them come after `after`."""
        ahead = 0
        for date in timer.dates(start, until):
            self._insert(deployment, timer, date)
            ahead += date >= after
            if ahead >= runs and date >= least:
                return

    def _insert(self, deployment: Deployment, timer: Timer, date: datetime) -> None:
        key = f"scheduled {deployment.id} {timer.id} {date}"
        if any(run.key == key for run in self.runs.values()):
            return
        run = Run(
            id=self.new_id(),
            flow=deployment.flow,
            deployment=deployment.id,
            key=key,
            parameters={**deployment.fields["parameters"], **timer.parameters},
            tags=["auto-scheduled", *deployment.fields["tags"]],
            expected=date,
            auto=True,
            state=self.state(Scheduled(scheduled_time=date)),
        )
        self.runs[run.id] = run

    def copy(self, run: Run) -> Run:
        """Add the same run under another id."""
        key = self.new_id()
        self.runs[key] = replace(run, id=key, key=f"another {run.key} {key}", run_count=0)
        return self.runs[key]

    def due(self) -> list[Run]:
        """Return the runs that a worker would take up now, oldest first."""
        now = self.clock()
        return [run for run in self.waiting() if run.starts_at <= now]

    def waiting(self) -> list[Run]:
        """Return the runs that are to begin some time, the next one first."""
        return sorted((run for run in self.runs.values() if run.waits), key=_by_start)


def _by_start(run: Run) -> tuple[datetime, str]:
    return run.starts_at, str(run.id)
