"""Say how late a run was, how long it took, and what is usual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.executions.history.norms import FEWEST, lateness, median_length, took
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution

DUE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
E = ExecutionState


def ran(
    status: ExecutionState = E.SUCCESS, kind: ExecutionKind = ExecutionKind.SCHEDULED, passes: int = 1
) -> Execution:
    """Make a run that began after two seconds and ended after 43."""
    begun, ended = DUE + timedelta(seconds=2), DUE + timedelta(seconds=43)
    row = Execution(status=status, kind=kind, due_at=DUE, started_at=begun, pass_count=passes)
    row.completed_at = ended if status.ended else None
    return row


def test_lateness_counts_until_the_last_delivery_or_the_end() -> None:
    assert lateness(ran(), DUE + timedelta(seconds=12)) == 12
    assert lateness(ran(E.FAILED), None) == 43
    assert lateness(ran(), DUE - timedelta(seconds=1)) == 0


@pytest.mark.parametrize("status", [one for one in E if one not in (E.SUCCESS, E.PARTIAL, E.FAILED)])
def test_what_did_not_come_to_sending_was_not_late(status: ExecutionState) -> None:
    assert lateness(ran(status), None) is None


@pytest.mark.parametrize("kind", [ExecutionKind.BACKFILL, ExecutionKind.CORRECTION])
def test_nobody_waited_for_a_backfill_at_its_due_time(kind: ExecutionKind) -> None:
    assert lateness(ran(kind=kind), DUE) is None


def test_what_never_worked_took_no_time() -> None:
    assert took(ran()) == 41
    assert took(ran(E.SKIPPED, passes=0)) is None
    assert took(ran(E.RUNNING)) is None


def test_a_norm_needs_a_few_runs_and_one_long_one_does_not_bend_it() -> None:
    times = [(DUE, DUE + timedelta(seconds=length)) for length in (40, 39, 7200)]
    assert median_length(times) == timedelta(seconds=40)
    assert median_length(times[: FEWEST - 1]) is None
