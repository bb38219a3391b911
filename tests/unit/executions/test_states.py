"""The states' transitions."""

from __future__ import annotations

import pytest

from mailroom import states
from mailroom.states import DeliveryState, ExecutionState, ScheduleState, may_become


def test_a_confirmed_delivery_and_a_deleted_schedule_are_final() -> None:
    assert [then for then in DeliveryState if may_become(DeliveryState.DELIVERED, then)] == [DeliveryState.DELIVERED]
    assert [then for then in ScheduleState if may_become(ScheduleState.DELETED, then)] == [ScheduleState.DELETED]
    assert not may_become(ExecutionState.SUCCESS, ExecutionState.RUNNING)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (ExecutionState.RUNNING, ExecutionState.RETRYING),
        (ExecutionState.PARTIAL, ExecutionState.RUNNING),
        (DeliveryState.UNKNOWN, DeliveryState.SENDING),
        (ScheduleState.SUSPENDED, ScheduleState.ACTIVE),
    ],
)
def test_ways_back(now: ExecutionState, then: ExecutionState) -> None:
    assert may_become(now, then)


def test_every_state_has_its_transitions_and_its_paragraph() -> None:
    for kind in (ScheduleState, ExecutionState, DeliveryState):
        assert kind.__doc__
        for state in kind:
            assert f"{state.value}:" in kind.__doc__, f"{state} is not explained"
            assert state in states._ALLOWED
