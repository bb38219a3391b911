"""Work out how well a schedule did in a period. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.executions.history.last_result import BAD
from mailroom.states import ExecutionState

PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ran:
    """One execution of the period: when it was due, how it ended, what of it is confirmed, and since when.

    `by_time` tells whether it ran since its time came; what a person asked for has no lateness.
    """

    due_at: datetime
    status: ExecutionState
    by_time: bool
    delivered: int
    last_delivery: datetime | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a period.

    Attributes:
        deliveries: how many deliveries are confirmed.
        runs: how many executions ended in which something was to be sent.
        whole: in how many of them everything arrived.
        p95: within which time after they were due 95 % of the executions were delivered; None without one.
    """

    deliveries: int = 0
    runs: int = 0
    whole: int = 0
    p95: timedelta | None = None


def figures_of(rows: Sequence[Ran]) -> Figures:
    """Return the figures of these executions."""
    late = [row.last_delivery - row.due_at for row in rows if row.by_time and row.last_delivery is not None]
    whole = sum(row.status is ExecutionState.SUCCESS for row in rows)
    return Figures(
        deliveries=sum(row.delivered for row in rows),
        runs=whole + sum(row.status in BAD for row in rows),
        whole=whole,
        p95=percentile(late, 0.95),
    )


def percentile(values: Sequence[timedelta], share: float) -> timedelta | None:
    """Return the least of the values that this share of them does not exceed; None without any."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
