"""The far side of an open breaker is reached for without a delivery, and one that answers is tried at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.connections.breaker.decide import (
    LONGEST_PROBE,
    PAUSE,
    Breaker,
    Sign,
    admit,
    brought_forward,
    gone,
    opened,
    tried,
)
from mailroom.connections.breaker.reach import EVERY, LONGEST, Reached, begun, ended, is_due
from mailroom.connections.breaker.reaching import meaning
from mailroom.errors import Unavailable
from mailroom.states import BreakerState
from prefect_mailroom.channels.steps import Step, StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater, TargetForbidden

S = BreakerState
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
CLOSED = Breaker(S.CLOSED, NOW)


def late(*, refused: bool = False) -> Breaker:
    """Return a breaker that opened just now, for the ninth time in a row: half an hour until its trial."""
    return opened(Breaker(S.HALF_OPEN, NOW, trips=8), now=NOW, refused=refused)


def reached(breaker: Breaker, found: Reached, *, now: datetime) -> Breaker:
    at = begun(breaker, now=now)
    assert at is not None
    return ended(at, at, found, now=now)


def trying(breaker: Breaker, *, now: datetime) -> Breaker:
    half = admit(breaker, now=now, lasts=MINUTE)
    assert half is not None
    return half


def test_nobody_else_reaches_for_it_for_a_while() -> None:
    assert LONGEST < EVERY, "one who is done in time is never overtaken"
    at = begun(late(), now=NOW)
    assert at is not None
    assert begun(at, now=NOW + EVERY - SECOND) is None
    assert begun(at, now=NOW + EVERY) is not None, "though the first one has died"


@pytest.mark.parametrize(
    "breaker",
    [CLOSED, trying(opened(CLOSED, now=NOW - MINUTE), now=NOW), gone(CLOSED, now=NOW), late(refused=True)],
    ids=["closed", "half open", "disabled", "refused"],
)
def test_it_is_not_reached_for(breaker: Breaker) -> None:
    assert begun(breaker, now=NOW + 2 * SECOND) is None


def test_once_a_delivery_may_try_it_nobody_reaches_for_it() -> None:
    breaker = opened(CLOSED, now=NOW)
    assert is_due(breaker, now=NOW + 29 * SECOND)
    assert not is_due(breaker, now=NOW + 30 * SECOND)


def test_a_far_side_that_answers_is_tried_by_one_delivery_at_once() -> None:
    after = reached(late(), Reached.ANSWERS, now=NOW + MINUTE)
    assert after.probe_at == NOW + MINUTE
    assert after.trips == 9
    half = trying(after, now=NOW + MINUTE)
    assert admit(half, now=NOW + MINUTE, lasts=MINUTE) is None, "one alone"
    works = tried(half, Sign.WORKS, now=NOW + MINUTE)
    assert (works.state, works.succeeded) == (S.HALF_OPEN, 1)


@pytest.mark.parametrize("worked", [0, 1, 4])
def test_a_trial_that_was_brought_forward_and_fails_is_no_trip(worked: int) -> None:
    now = NOW + MINUTE
    half = replace(trying(reached(late(), Reached.ANSWERS, now=now), now=now), succeeded=worked)
    after = tried(half, Sign.FAILS, now=now)
    assert (after.state, after.trips, after.probe_at) == (S.OPEN, 9, NOW + LONGEST_PROBE)
    assert not is_due(after, now=now + PAUSE - SECOND), "it answered, and did not work"
    assert is_due(after, now=now + PAUSE), "it may be well by now"


def test_one_that_fails_when_its_trial_is_due_anyway_is_a_trip() -> None:
    now = NOW + MINUTE
    half = trying(reached(late(), Reached.ANSWERS, now=now), now=now)
    assert tried(half, Sign.FAILS, now=NOW + LONGEST_PROBE).state is S.DISABLED


def test_a_trial_that_was_brought_forward_and_is_refused_is_not_repeated() -> None:
    half = trying(reached(late(), Reached.ANSWERS, now=NOW + MINUTE), now=NOW + MINUTE)
    after = tried(half, Sign.FAILS, now=NOW + MINUTE, refused=True)
    assert not is_due(after, now=NOW + LONGEST_PROBE - SECOND)


@pytest.mark.parametrize(
    ("found", "pause"),
    [
        (Reached.SILENT, EVERY),
        (Reached.UNKNOWN, EVERY),
        (Reached.UNDECIDED, PAUSE),
        (Reached.REFUSED, LONGEST_PROBE),
        (Reached.IMPOSSIBLE, LONGEST_PROBE),
    ],
)
def test_how_soon_it_is_reached_for_again(found: Reached, pause: timedelta) -> None:
    before = late()
    after = reached(before, found, now=NOW)
    assert (after.state, after.trips, after.probe_at) == (before.state, before.trips, before.probe_at), "no trip"
    again = NOW + pause
    assert not is_due(after, now=again - SECOND)
    assert is_due(after, now=again) is (pause < LONGEST_PROBE)


def test_what_was_found_of_a_breaker_that_has_moved_is_of_the_past() -> None:
    at = begun(late(), now=NOW)
    assert at is not None
    half = trying(at, now=NOW + LONGEST_PROBE)
    again = opened(half, now=NOW + LONGEST_PROBE) if half.trips < 9 else tried(half, None, now=NOW + LONGEST_PROBE)
    for moved in (half, again, gone(at, now=NOW)):
        assert ended(moved, at, Reached.ANSWERS, now=NOW + SECOND) == moved


@pytest.mark.parametrize(
    ("error", "steps", "expected"),
    [
        (RetryLater("No answer."), [(StepName.CONNECT, False)], Reached.SILENT),
        (TimeoutError(), [(StepName.CONNECT, True), (StepName.ANSWER, False)], Reached.SILENT),
        (RetryLater("454"), [(StepName.CONNECT, True), (StepName.LOGIN, False)], Reached.UNDECIDED),
        (TimeoutError(), [(StepName.LOGIN, False)], Reached.UNDECIDED),
        (RetryLater("Both."), [(StepName.LOGIN, False), (StepName.CONNECT, False)], Reached.UNDECIDED),
        (ConfigurationError("Wrong password."), [(StepName.LOGIN, False)], Reached.REFUSED),
        (TargetForbidden("Not from here."), [], Reached.REFUSED),
        (Unavailable("Prefect is away."), [], Reached.UNKNOWN),
    ],
)
def test_what_an_error_means(
    error: MailroomError | TimeoutError, steps: list[tuple[StepName, bool]], expected: Reached
) -> None:
    told = Steps()
    told.done = [Step(name, ok, "", "", 0.0) for name, ok in steps]
    assert meaning(error, told) is expected


Events = st.lists(st.tuples(st.sampled_from([*Reached, "pass"]), st.integers(1, 900), st.booleans()), max_size=80)


@settings(max_examples=200, deadline=None)
@given(Events)
def test_reaching_never_brings_a_trip_or_the_end_nearer(events: list[tuple[Reached | str, int, bool]]) -> None:
    """Whatever it answers, trips come no sooner than by the wait that doubles, and it is not asked too often."""
    breaker, now = opened(CLOSED, now=NOW), NOW
    due_at, asked = NOW + 30 * SECOND, NOW - EVERY
    for found, seconds, works in events:
        if breaker.state is not S.OPEN:
            break
        if isinstance(found, Reached) and (at := begun(breaker, now=now)) is not None:
            assert now >= asked + EVERY
            asked = now
            breaker = ended(at, at, found, now=now)
            assert brought_forward(breaker) == (found is Reached.ANSWERS)
        half = admit(breaker, now=now, lasts=MINUTE)
        if half is not None:
            ahead = now < due_at
            breaker = tried(half, Sign.WORKS if works and ahead else Sign.FAILS, now=now)
            if breaker.state is S.OPEN:
                assert breaker.probe_at is not None
                assert (breaker.probe_at == due_at) if ahead else (breaker.probe_at > due_at)
                asked = asked if ahead else now - EVERY
                due_at = breaker.probe_at
        now += seconds * SECOND
