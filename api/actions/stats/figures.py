"""Define what the API answers about the figures of the installation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from api.actions.view import View
from mailroom.states import BreakerState, ExecutionState, ScheduleState, SyncState
from mailroom.watching.figures.spec import Figures, Stage
from mailroom.watching.levels.spec import Level, LevelName, Period


class LevelView(View):
    """A service level in a period: `good` of `total` were as promised."""

    level: LevelName
    period: Period
    good: int
    total: int
    share: float | None = Field(description="From 0 to 1; null where nothing was counted.")
    goal: float | None = Field(description="The share that is promised; null where nothing is.")
    met: bool | None


class TimesView(View):
    """Durations in seconds; null where nothing was measured."""

    measured: int
    average: float | None
    p50: float | None
    p95: float | None


class ChannelFiguresView(View):
    """The deliveries through a channel, of what was due in the last 24 hours."""

    channel: str
    outcomes: Mapping[str, int]
    retries: int
    due_to_delivered: TimesView = Field(description="Of each confirmed delivery, from its due time.")
    lateness: TimesView = Field(description="From the due time until the last confirmed delivery of each occurrence.")


class StageTimesView(View):
    """The seconds that a stage took in the last 24 hours; `trend` is 0.1 if the average is a tenth longer than in the
    seven days before."""

    stage: Stage
    measured: int
    average: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    trend: float | None


class QueueView(View):
    """The runs that have not ended; `oldest_due` is when the first of those that wait to begin was due."""

    waiting: int
    running: int
    retrying: int
    held: int
    oldest_due: datetime | None


class SyncView(View):
    """The schedules that Prefect does not show as they are wanted, and since when the oldest waits."""

    by_state: Mapping[SyncState, int]
    oldest: datetime | None


class FiguresView(View):
    """The figures of the installation, as `/metrics` has them. Sample data is left out."""

    at: datetime
    counted_at: datetime | None = Field(description="When the ledger was last looked at for what is counted.")
    levels: list[LevelView]
    outcomes: Mapping[ExecutionState, int] = Field(
        description="Scheduled occurrences that were due in the last 24 hours, by how they ended."
    )
    totals: Mapping[ExecutionState, int] = Field(description="The same since the beginning, which never goes down.")
    channels: list[ChannelFiguresView]
    stages: list[StageTimesView]
    queue: QueueView
    under_way: int = Field(description="Runs that a living process of a worker works on.")
    breakers: Mapping[BreakerState, int]
    sync: SyncView
    schedules: Mapping[ScheduleState, int]
    artifacts: int
    artifact_bytes: int
    secrets_since: Mapping[str, datetime] = Field(description="Since when each secret is what it is, by its variable.")
    incidents: Mapping[str, int] = Field(description="Open incidents by severity.")


def figures_view(found: Figures) -> FiguresView:
    """Return a snapshot as the API answers it."""
    totals = found.totals
    counts = totals.counts if totals else {}
    return FiguresView(
        at=found.at,
        counted_at=totals.looked_until if totals else None,
        levels=[
            *(_level(one, period) for period, levels in found.levels.items() for one in levels.every),
            _level(found.adoption, Period.MONTH),
        ],
        outcomes=found.outcomes,
        totals={state: int(counts.get(f"ended/{state}", 0)) for state in ExecutionState if state.ended},
        channels=[ChannelFiguresView.model_validate(one) for one in found.channels],
        stages=[StageTimesView.model_validate(one) for one in found.stages],
        queue=QueueView.model_validate(found.queue),
        under_way=found.under_way,
        breakers=found.breakers,
        sync=SyncView.model_validate(found.sync),
        schedules=found.schedules,
        artifacts=found.artifacts,
        artifact_bytes=found.artifact_bytes,
        secrets_since=found.secret_ages,
        incidents=found.incidents,
    )


def _level(level: Level, period: Period) -> LevelView:
    return LevelView(
        level=level.name,
        period=period,
        good=level.good,
        total=level.total,
        share=level.share,
        goal=level.goal,
        met=level.met,
    )
