"""When a person's request for another try counts as answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.executions import again, lifecycle
from mailroom.executions.reasons import ReasonCode, because
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Schedule

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHY = because(ReasonCode.NO_OUTCOME, said="It crashed.")


def ended(asked_at: datetime | None) -> Execution:
    execution = lifecycle.new_execution("s-1", ExecutionKind.RUN_NOW, NOW, now=NOW)
    execution.status, execution.completed_at, execution.retry_requested_at = ExecutionState.FAILED, NOW, asked_at
    return execution


@pytest.mark.parametrize(
    ("asked_at", "counts_from"),
    [(None, NOW + 2 * HOUR), (NOW - HOUR, NOW + 2 * HOUR), (NOW + HOUR, NOW + HOUR)],
    ids=["in Prefect", "in Prefect, after an older one", "in Mailroom"],
)
def test_a_request_counts_from_when_it_became_known(asked_at: datetime | None, counts_from: datetime) -> None:
    execution = ended(asked_at)
    assert lifecycle.begin_pass(execution, now=NOW + 2 * HOUR, lease_until=NOW + 3 * HOUR)
    assert execution.retry_requested_at == counts_from


@pytest.mark.parametrize("ends_at", [NOW + 2 * HOUR, NOW + HOUR, NOW - HOUR], ids=["later", "same", "clock went back"])
def test_a_request_is_answered_by_the_end_of_its_pass(ends_at: datetime) -> None:
    execution = ended(NOW + HOUR)
    assert again.is_asked_for(execution)
    lifecycle.begin_pass(execution, now=NOW + HOUR, lease_until=NOW + 2 * HOUR)
    lifecycle.end_pass(execution, ExecutionState.FAILED, WHY, schedule=Schedule(), now=ends_at, retry_at=None)
    assert not again.is_asked_for(execution)
