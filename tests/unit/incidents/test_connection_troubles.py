"""When a connection is in trouble, and not each of the schedules that use it."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.connections.breaker.decide import Breaker
from mailroom.incidents.finders.connections.decide import (
    LEAST_TRIES,
    SEVERAL,
    TRIPS,
    Failure,
    Lately,
    in_trouble,
    troubles,
)
from mailroom.incidents.spec import Severity
from mailroom.states import BreakerState
from tests.unit.incidents.diary import MINUTE, NOW, SECOND

S = BreakerState


def breaker(state: BreakerState, **more: Any) -> Breaker:
    columns = {"since": NOW - MINUTE, "trips": 1, "probe_at": NOW + MINUTE, **more}
    return Breaker(state, **columns)


def failures(count: int, name: str = "bank") -> list[Failure]:
    return [Failure(name, f"s{number}", NOW, "The host does not answer.") for number in range(count)]


@pytest.mark.parametrize(
    ("found", "failed", "expected"),
    [
        (None, SEVERAL - 1, False),
        (None, SEVERAL, True),
        (breaker(S.DISABLED), 0, True),
        (breaker(S.OPEN), 0, True),
        (breaker(S.OPEN, since=NOW), 0, True),
        (breaker(S.HALF_OPEN), 1, True),
        (breaker(S.HALF_OPEN, trips=TRIPS), 0, True),
        (breaker(S.HALF_OPEN, trips=TRIPS, succeeded=1), 0, False),
        (breaker(S.CLOSED), 1, False),
    ],
)
def test_when_it_is_in_trouble(found: Breaker | None, failed: int, expected: bool) -> None:
    assert in_trouble(found, failures(failed), is_open=False) is expected


def test_a_breaker_that_is_tried_does_not_end_its_incident() -> None:
    assert in_trouble(breaker(S.HALF_OPEN), [], is_open=True)
    assert not in_trouble(breaker(S.HALF_OPEN), [], is_open=False)


@pytest.mark.parametrize(
    ("waiting", "lately", "is_open", "expected"),
    [
        (SEVERAL, Lately(LEAST_TRIES), False, True),
        (SEVERAL - 1, Lately(99), False, False),
        (SEVERAL, Lately(LEAST_TRIES - 1), False, False),
        (SEVERAL, Lately(0, worked=True), False, False),
        (1, Lately(), True, True),
        (1, Lately(1), True, True),
        (1, Lately(0, worked=True), True, False),
        (0, Lately(), True, False),
    ],
)
def test_several_that_wait_while_nothing_works(waiting: int, lately: Lately, is_open: bool, expected: bool) -> None:
    assert in_trouble(None, [], is_open=is_open, waiting=waiting, lately=lately) is expected


def test_several_that_wait_are_told_with_it() -> None:
    waiting = {"bank": {"s1", "s2", "s3"}}
    (found,) = troubles({}, [], {}, waiting, open_now=(), lately={"bank": Lately(LEAST_TRIES)})
    assert (found.schedule_ids, found.values["waiting"]) == (frozenset(waiting["bank"]), 3)


def test_failures_before_something_went_well_do_not_count() -> None:
    rest: dict[str, Any] = {"open_now": ()}
    assert len(troubles({}, failures(SEVERAL), {"bank": NOW - SECOND}, {}, **rest)) == 1
    assert troubles({}, failures(SEVERAL), {"bank": NOW}, {}, **rest) == []


def test_it_covers_what_fails_and_what_waits() -> None:
    (found,) = troubles(
        {"bank": (breaker(S.OPEN), "8 of 10 attempts failed.")},
        failures(2),
        {},
        {"bank": {"s1", "s7"}},
        open_now=(),
    )
    assert (found.subject, found.severity, found.schedule_ids) == (
        "bank",
        Severity.CRITICAL,
        frozenset({"s0", "s1", "s7"}),
    )
    assert (found.values["failing"], found.values["waiting"]) == (2, 1)


def test_failures_through_different_connections_are_not_added_up() -> None:
    split = [*failures(SEVERAL - 1, "bank"), *failures(SEVERAL - 1, "smtp")]
    assert troubles({}, split, {}, {}, open_now=()) == []
