"""Define a snapshot of figures. All of them come from the database, so they are the same whichever process is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mailroom.states import BreakerState, ExecutionState, ScheduleState, SyncState
from mailroom.watching.counts.names import Counts
from mailroom.watching.levels.spec import Level, Levels, Period
from mailroom.watching.series.spec import Queue


class Stage(StrEnum):
    """The stages of a run whose time is measured.

    query: until the first file begins, the wait for a renderer included. render: until all files are whole. deliver: an
    attempt that was confirmed, from its beginning to its receipt.
    """

    QUERY = "query"
    RENDER = "render"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Say how long a stage took in the last 24 hours, in seconds, and in the seven days before them.

    Attributes:
        measured: how many times it was measured in the last 24 hours: of up to 300 runs an hour.
        trend: by what share the average is longer than in the seven days before, 0.1 for a tenth; None where one of
            them has no measurement.
    """

    stage: Stage
    measured: int
    average: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    average_before: float | None

    @property
    def trend(self) -> float | None:
        """Return by what share the average is longer than before."""
        if self.average is None or not self.average_before:
            return None
        return self.average / self.average_before - 1


@dataclass(frozen=True, slots=True)
class Times:
    """Say how long something took, in seconds; None where nothing was measured."""

    measured: int = 0
    average: float | None = None
    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """Count what went through a channel, of what was due in the last 24 hours.

    Attributes:
        outcomes: deliveries by how they ended. retries: attempts after the first one of a delivery.
        due_to_delivered: of each confirmed delivery. lateness: until the last one of each occurrence.
    """

    channel: str
    outcomes: Mapping[str, int]
    retries: int
    due_to_delivered: Times
    lateness: Times


@dataclass(frozen=True, slots=True)
class Sync:
    """Say how far Prefect is behind what schedules want: how many wait, or need a person, and since when the oldest."""

    by_state: Mapping[SyncState, int] = field(default_factory=dict)
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of life of a loop; it is `late` when it has been silent for longer than it may."""

    at: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of scheduled occurrences since the beginning, by the names of `mailroom.watching.counts.names`."""

    since: datetime
    looked_until: datetime
    counts: Counts


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold all figures as they were at one moment.

    Attributes:
        totals: None until the ledger was looked at for the first time.
        outcomes: scheduled occurrences that were due in the last 24 hours, by how they ended.
        channels: those through which something went, in these hours.
        under_way: runs whose process is sure to live, which the worker's children work on.
        artifacts: how many files can be downloaded. artifact_bytes: how much they have, each content counted once.
        secret_ages: since when each secret of the installation is what it is, by the variable that holds it.
        connection_secret_since: since when the oldest secret of a connection is what it is.
        signs: the last sign of life of each loop, of whichever process.
        incidents: open incidents by severity.
    """

    at: datetime
    totals: Totals | None
    levels: Mapping[Period, Levels]
    adoption: Level
    outcomes: Mapping[ExecutionState, int]
    channels: tuple[ChannelFigures, ...]
    stages: tuple[StageTimes, ...]
    queue: Queue
    under_way: int
    breakers: Mapping[BreakerState, int]
    sync: Sync
    schedules: Mapping[ScheduleState, int]
    artifacts: int
    artifact_bytes: int
    secret_ages: Mapping[str, datetime]
    connection_secret_since: datetime | None
    signs: Mapping[str, Sign]
    incidents: Mapping[str, int]
