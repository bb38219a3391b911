"""The figures of a schedule, and what a pause of it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.schedules.overview.figures import Figures, Ran, figures_of, percentile
from mailroom.schedules.overview.look import due_soon
from mailroom.states import ExecutionState
from mailroom.timing import TIMING, BusinessCalendar

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
E = ExecutionState


def ran(status: ExecutionState, delivered: int = 0, seconds: float | None = None, *, by_time: bool = True) -> Ran:
    return Ran(NOW, status, by_time, delivered, None if seconds is None else NOW + timedelta(seconds=seconds))


def test_figures_count_what_arrived_and_what_should_have() -> None:
    rows = [
        ran(E.SUCCESS, 12, 30),
        ran(E.PARTIAL, 11, 600),
        ran(E.SUCCESS, 12, 9_999, by_time=False),
        *[ran(one) for one in (E.FAILED, E.MISSED, E.SKIPPED, E.CANCELLED, E.RUNNING)],
    ]
    assert figures_of(rows) == Figures(deliveries=35, runs=5, whole=2, p95=timedelta(seconds=600))
    assert figures_of([]) == Figures(0, 0, 0, None)


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (19, 18), (20, 18), (21, 19), (100, 94)])
def test_the_95th_percentile_is_one_of_the_values(count: int, expected: int) -> None:
    assert percentile([timedelta(seconds=number) for number in range(count)][::-1], 0.95) == timedelta(seconds=expected)


@pytest.mark.parametrize(
    ("timing", "count"),
    [
        ({"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"}, 7),
        ({"frequency": "weekly", "days": ["mon", "wed"], "at": "09:00", "timezone": "UTC"}, 2),
        ({"frequency": "monthly", "day": 20, "at": "09:00", "timezone": "UTC"}, 0),
        ({"frequency": "immediate"}, 0),
    ],
)
def test_a_pause_lets_the_due_times_of_seven_days_fall_away(timing: dict[str, object], count: int) -> None:
    assert due_soon(TIMING.validate_python({"timezone": "UTC", **timing}), BusinessCalendar(), now=NOW) == count
