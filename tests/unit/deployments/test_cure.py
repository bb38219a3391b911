"""How long an execution is put back: retries after a crash are limited, planned ones are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import AwaitingRetry, Completed, Crashed, Failed, Pending, Scheduled

from deployments.runs.rescue import MAX_PASSES, QUIET, Cure, cure, settles
from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution
from prefect_mailroom.worker.backlog import in_front

MADE_UP = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize("state", [Scheduled(), AwaitingRetry(), Pending()], ids=lambda state: str(state.name))
@pytest.mark.parametrize("passes", [MAX_PASSES, 384])
def test_a_run_that_is_late_in_the_queue_is_left_alone_however_often_it_was_retried(
    state: State[None], passes: int
) -> None:
    now = datetime.now(UTC)
    execution = Execution(status=ExecutionState.RETRYING, pass_count=passes)
    run = FlowRun(flow_id=MADE_UP, state=state.model_copy(update={"timestamp": now}), state_type=state.type)
    assert cure(execution, run, now=now) is Cure.NOTHING


@pytest.mark.parametrize("state", [Failed(), Completed(), Crashed()], ids=lambda state: str(state.name))
@pytest.mark.parametrize(
    ("crashes", "late", "expected"),
    [
        (0, timedelta(minutes=10), Cure.PUT_BACK),
        (MAX_PASSES, timedelta(days=6), Cure.PUT_BACK),
        (MAX_PASSES, timedelta(days=8), Cure.FAIL),
    ],
)
def test_what_the_ledger_retries_goes_on_whatever_prefect_says_until_no_run_can_be_in_time(
    state: State[None], crashes: int, late: timedelta, expected: Cure
) -> None:
    now = datetime.now(UTC)
    execution = Execution(status=ExecutionState.RETRYING, crash_count=crashes, due_at=now - late)
    run = FlowRun(flow_id=MADE_UP, state=state.model_copy(update={"timestamp": now}), state_type=state.type)
    assert cure(execution, run, now=now) is expected


@pytest.mark.parametrize(
    ("state", "runs", "seconds"),
    [
        (Crashed(), 0, 5),
        (Crashed(), 1, 5),
        (Crashed(), 2, 20),
        (Crashed(), 3, 80),
        (Crashed(), 4, QUIET.total_seconds()),
        (Crashed(), MAX_PASSES, QUIET.total_seconds()),
        (Pending(), 0, QUIET.total_seconds()),
    ],
)
def test_a_run_that_crashed_is_put_back_soon_and_then_ever_later(state: State[None], runs: int, seconds: float) -> None:
    run = FlowRun(flow_id=MADE_UP, state=state, state_type=state.type, run_count=runs)
    assert settles(run) == timedelta(seconds=seconds)


@pytest.mark.parametrize("due_before", [timedelta(minutes=2), timedelta(), -timedelta(minutes=5)])
def test_a_run_that_is_put_back_stands_in_front_of_what_became_due_with_it(due_before: timedelta) -> None:
    now = datetime.now(UTC)
    due = now - due_before
    run = FlowRun(flow_id=MADE_UP, state=Crashed(), state_type=StateType.CRASHED, expected_start_time=due)
    assert in_front(run, now) < min(due, now)
