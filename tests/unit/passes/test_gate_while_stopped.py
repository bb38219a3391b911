"""The gate while something is stopped. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.executions.policy import Policy
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.gate import Closed, Open, Situation, Wait, gate
from mailroom.passes.stopping.decide import LOOK_WHILE_STOPPED
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.stop_tables import Stop

DUE = datetime(2026, 11, 23, 9, tzinfo=UTC)
STOP = Stop(id="s-1", scope="all", target="", cause="person", reason="A wrong report.")
OVER = DUE + timedelta(hours=4)


def situation(**changes: Any) -> Situation:
    whole = Situation(
        kind=ExecutionKind.SCHEDULED,
        schedule_state=ScheduleState.ACTIVE,
        owner_active=True,
        due_at=DUE,
        starts_at=DUE,
        now=DUE + timedelta(seconds=3),
        policy=Policy(),
        expires_at=OVER,
        stop=STOP,
    )
    return replace(whole, **changes)


@pytest.mark.parametrize("kind", list(ExecutionKind))
@pytest.mark.parametrize("later_pass", [False, True])
def test_it_waits_and_looks_again(kind: ExecutionKind, later_pass: bool) -> None:  # a parameter
    decided = gate(situation(kind=kind, later_pass=later_pass))
    assert isinstance(decided, Wait)
    assert (decided.held_by, decided.reason.code) == ("s-1", ReasonCode.STOPPED)
    assert decided.until == DUE + timedelta(seconds=3) + LOOK_WHILE_STOPPED


def test_it_looks_again_when_it_expires() -> None:
    decided = gate(situation(now=OVER - timedelta(minutes=1)))
    assert isinstance(decided, Wait)
    assert decided.until == OVER + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"was_held": True}, ExecutionState.MISSED),
        ({"was_held": True, "stop": None}, ExecutionState.MISSED),
        ({"kind": ExecutionKind.RUN_NOW}, ExecutionState.MISSED),
        ({"later_pass": True}, ExecutionState.FAILED),
    ],
)
def test_it_expires_for_the_stop(changes: dict[str, Any], state: ExecutionState) -> None:
    decided = gate(situation(now=OVER + timedelta(seconds=1), **changes))
    assert isinstance(decided, Closed)
    assert (decided.state, decided.reason.code) == (state, ReasonCode.EXPIRED_STOPPED)


def test_a_later_pass_goes_on_once_it_is_resumed_however_late() -> None:
    assert gate(situation(later_pass=True, stop=None, was_held=True, now=OVER + timedelta(days=1))) == Open()


def test_a_paused_schedule_does_not_wait() -> None:
    decided = gate(situation(schedule_state=ScheduleState.PAUSED))
    assert isinstance(decided, Closed)
    assert decided.reason.code == ReasonCode.SCHEDULE_NOT_ACTIVE


def test_the_stop_comes_before_the_overlap() -> None:
    """What waits neither is skipped for another nor cancels it."""
    decided = gate(situation(policy=Policy(overlap="cancel_other")))
    assert isinstance(decided, Wait)
    assert decided.held_by == "s-1"


@pytest.mark.parametrize(
    ("policy", "newer", "expected"),
    [
        (Policy(catchup="none"), (), None),
        (Policy(catchup="none"), (DUE + timedelta(hours=1),), ReasonCode.NO_CATCH_UP),
        (Policy(catchup="latest"), (DUE + timedelta(hours=1),), ReasonCode.REPLACED_BY_LATER),
        (Policy(catchup="all"), (DUE + timedelta(hours=1),), None),
    ],
)
def test_after_the_stop_only_the_last_of_several_goes_unless_all_are_caught_up(
    policy: Policy, newer: tuple[datetime, ...], expected: ReasonCode | None
) -> None:
    decided = gate(situation(stop=None, was_held=True, now=DUE + timedelta(hours=2), policy=policy, newer=newer))
    if expected is None:
        assert decided == Open()
    else:
        assert isinstance(decided, Closed)
        assert decided.reason.code == expected
