"""The gate, reason by reason."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reports.run.gate import Situation, gate
from reports.schedule_spec import Policy
from reports.states import ExecutionKind, ExecutionState, ScheduleState

DUE = datetime(2026, 11, 23, 9, tzinfo=UTC)
OPEN = Situation(
    kind=ExecutionKind.SCHEDULED,
    schedule_state=ScheduleState.ACTIVE,
    owner_active=True,
    due_at=DUE,
    now=DUE + timedelta(seconds=3),
    policy=Policy(),
)


def test_it_is_open_in_the_ordinary_case() -> None:
    assert gate(OPEN) is None


@pytest.mark.parametrize(
    ("change", "state", "words"),
    [
        ({"schedule_state": ScheduleState.PAUSED}, ExecutionState.SKIPPED, "paused"),
        ({"schedule_state": ScheduleState.DELETED}, ExecutionState.SKIPPED, "deleted"),
        ({"schedule_state": ScheduleState.SUSPENDED}, ExecutionState.SKIPPED, "suspended"),
        ({"owner_active": False}, ExecutionState.SKIPPED, "owner"),
        ({"running": "e-1"}, ExecutionState.SKIPPED, "e-1"),
        ({"now": DUE + timedelta(hours=4, seconds=1)}, ExecutionState.MISSED, "expires"),
        ({"newer_due": DUE + timedelta(hours=1)}, ExecutionState.MISSED, "takes its place"),
        (
            {"policy": Policy(catchup="none"), "now": DUE + timedelta(minutes=11)},
            ExecutionState.MISSED,
            "does not catch up",
        ),
    ],
)
def test_it_closes_with_a_reason(change: dict[str, Any], state: ExecutionState, words: str) -> None:
    closed = gate(dataclasses.replace(OPEN, **change))
    assert closed is not None
    assert closed.state is state
    assert words in closed.reason


@pytest.mark.parametrize(
    "change",
    [
        {"running": "e-1", "policy": Policy(overlap="allow")},
        {"newer_due": DUE, "policy": Policy(catchup="all")},
        {"now": DUE + timedelta(hours=4)},
        {"kind": ExecutionKind.RUN_NOW, "now": DUE + timedelta(days=2)},
        {"kind": ExecutionKind.TEST, "schedule_state": ScheduleState.PAUSED},
    ],
)
def test_it_stays_open(change: dict[str, Any]) -> None:
    assert gate(dataclasses.replace(OPEN, **change)) is None


def test_a_test_of_a_deleted_schedule_goes_nowhere() -> None:
    assert gate(dataclasses.replace(OPEN, kind=ExecutionKind.TEST, schedule_state=ScheduleState.DELETED))
