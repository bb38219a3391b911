from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import pytest

from api.web import words
from mailroom.incidents.spec import Severity
from mailroom.roles import Role, Scope
from mailroom.states import BreakerState, DeliveryState, ExecutionKind, ExecutionState, ScheduleState, SyncState
from mailroom.watching.checks.spec import State
from prefect_mailroom.channels.registry import CHANNELS


@pytest.mark.parametrize(
    ("enum", "table"),
    [
        (ScheduleState, words.SCHEDULES),
        (ExecutionState, words.EXECUTIONS),
        (DeliveryState, words.DELIVERIES),
        (SyncState, words.SYNC),
        (BreakerState, words.BREAKERS),
        (ExecutionKind, words.KINDS),
        (Role, words.ROLES),
        (Scope, words.SCOPES),
        (State, words.CHECKS),
        (Severity, words.SEVERITIES),
    ],
)
def test_every_state_has_words(enum: type[StrEnum], table: Mapping[StrEnum, object]) -> None:
    assert set(table) == set(enum)


def test_every_channel_has_a_name_and_an_icon() -> None:
    assert set(CHANNELS) <= set(words.CHANNELS)
    assert (words.kind_words("carrier-pigeon"), words.kind_icon("carrier-pigeon")) == ("Carrier-pigeon", "plug")


def test_no_two_states_of_a_thing_look_the_same() -> None:
    for table in (words.SCHEDULES, words.EXECUTIONS, words.DELIVERIES, words.CHECKS, words.SEVERITIES):
        assert len({chip.words for chip in table.values()}) == len(table)
        assert len({chip.icon for chip in table.values()}) == len(table)


def test_an_active_schedule_whose_last_run_was_bad_is_failing() -> None:
    for state in ExecutionState:
        bad = state in {ExecutionState.FAILED, ExecutionState.PARTIAL, ExecutionState.MISSED}
        assert (words.schedule_chip(ScheduleState.ACTIVE, state) is words.FAILING) == bad
    assert words.schedule_chip(ScheduleState.PAUSED, ExecutionState.FAILED).words == "Paused"
    assert words.schedule_chip(ScheduleState.SUSPENDED, failures=5).words == "Suspended after 5 failures"


def test_chips_carry_their_numbers() -> None:
    assert words.execution_chip(ExecutionState.PARTIAL, delivered=11, total=12).words == "Partly delivered, 11 of 12"
    assert words.execution_chip(ExecutionState.RETRYING, again_at="09:12 CET").words == "Trying again at 09:12 CET"
    assert words.delivery_chip(DeliveryState.FAILED, again=True).words == "Trying again"
    assert (words.count(1, "person", "people"), words.count(1204, "run")) == ("1 person", "1,204 runs")
