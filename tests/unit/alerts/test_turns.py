"""What becomes of an alert whose time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailroom.alerts.lifecycle import Surroundings, Turn, surroundings, turn_of
from mailroom.alerts.spec import AlertState
from mailroom.incidents.spec import Stage
from mailroom.recipients.spec import ERASED
from mailroom.storage.model.upkeep.incidents import Alert, Incident

CALM = Surroundings(is_over=False, is_muted=False, is_covered=False)
OVER = replace(CALM, is_over=True)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def alert(stage: Stage, *, in_doubt: bool = False, fallback_of: str | None = None, **more: str) -> Alert:
    values = {"target": "oncall@example.com", **more}
    return Alert(stage=str(stage), in_doubt=in_doubt, fallback_of=fallback_of, **values)


@pytest.mark.parametrize("stage", [Stage.OPENED, Stage.ESCALATED])
def test_an_open_incident_is_told(stage: Stage) -> None:
    assert turn_of(alert(stage), CALM) is Turn.SEND


@pytest.mark.parametrize("around", [OVER, replace(CALM, is_muted=True), replace(CALM, is_covered=True)])
def test_nobody_is_told_of_what_is_moot(around: Surroundings) -> None:
    assert turn_of(alert(Stage.OPENED), around) is Turn.WITHDRAW
    assert turn_of(alert(Stage.OPENED, in_doubt=True), around) is Turn.SEND


@pytest.mark.parametrize("stage", Stage)
def test_nothing_goes_to_an_address_that_was_erased(stage: Stage) -> None:
    erased = alert(stage, in_doubt=True, fallback_of="other", target=f"erased-1{ERASED}")
    assert turn_of(erased, replace(CALM, told=[AlertState.SENT])) is Turn.WITHDRAW


@pytest.mark.parametrize(
    ("told", "turn"),
    [
        ((), Turn.WITHDRAW),
        ((AlertState.SENT,), Turn.SEND),
        ((AlertState.PENDING,), Turn.WAIT),
        ((AlertState.FAILED,), Turn.WITHDRAW),
        ((AlertState.WITHDRAWN,), Turn.WITHDRAW),
        ((AlertState.SENT, AlertState.PENDING), Turn.SEND),
    ],
)
def test_the_end_goes_to_those_who_were_told(told: tuple[AlertState, ...], turn: Turn) -> None:
    assert turn_of(alert(Stage.RESOLVED), replace(OVER, told=told)) is turn


def test_the_end_goes_on_in_place_of_another() -> None:
    assert turn_of(alert(Stage.RESOLVED, fallback_of="other"), OVER) is Turn.SEND


def test_whoever_was_told_hears_of_the_end_of_a_muted_incident() -> None:
    around = Surroundings(is_over=True, is_muted=True, is_covered=False, told=[AlertState.SENT])
    assert turn_of(alert(Stage.RESOLVED), around) is Turn.SEND


def test_only_the_same_target_by_the_same_route_counts() -> None:
    others = [
        Alert(route="mail", target="ada@example.com", state="sent"),
        Alert(route="in_app", target="ada", state="failed"),
    ]
    mine = alert(Stage.RESOLVED, route="in_app", target="ada")
    around = surroundings(mine, Incident(resolved_at=NOW), others, now=NOW)
    assert around.told == {AlertState.FAILED}


@pytest.mark.parametrize(("until", "muted"), [(NOW + timedelta(seconds=1), True), (NOW, False), (None, False)])
def test_a_mute_ends(until: datetime | None, muted: bool) -> None:
    assert surroundings(alert(Stage.OPENED), Incident(muted_until=until), [], now=NOW).is_muted is muted
