"""A breaker opens, lets some try the connection, and closes: every step is compared with a model written apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.connections.breaker.decide import (
    ALLOWED,
    Breaker,
    Cause,
    Sign,
    admit,
    closed,
    gone,
    opened,
    room,
    tried,
    trips,
)
from mailroom.errors import Conflict
from mailroom.passes.sending.signs import NobodyKnows, sign_of
from mailroom.states import BreakerState
from prefect_mailroom.channels.base import Receipt
from prefect_mailroom.errors import (
    ConfigurationError,
    Gone,
    OutcomeUnknown,
    Refused,
    RetryLater,
    TargetForbidden,
    Withdrawn,
)

S = BreakerState
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLOSED = Breaker(S.CLOSED, NOW)


@pytest.mark.parametrize(
    ("worked", "failed", "opens"),
    [(0, 9, False), (0, 10, True), (3, 7, True), (4, 7, False), (4, 10, True), (300, 100, False), (30, 70, True)],
)
def test_it_opens_at_seven_tenths_of_ten_or_more(worked: int, failed: int, opens: bool) -> None:
    assert trips(worked, failed) is opens


def test_only_one_attempt_tries_it_after_thirty_seconds() -> None:
    breaker = opened(CLOSED, now=NOW)
    assert breaker.state is S.OPEN
    assert admit(breaker, now=NOW + timedelta(seconds=29.9), lasts=MINUTE) is None
    at = NOW + timedelta(seconds=30)
    trying = admit(breaker, now=at, lasts=MINUTE)
    assert trying is not None
    assert (trying.state, trying.under_way) == (S.HALF_OPEN, 1)
    assert admit(trying, now=at, lasts=MINUTE) is None


def test_after_the_first_success_so_many_try_as_are_needed_to_close_it() -> None:
    half = _half_open()
    half = tried(half, Sign.WORKS, now=NOW)
    assert room(half, now=NOW) == 4
    for _ in range(4):
        more = admit(half, now=NOW, lasts=MINUTE)
        assert more is not None
        half = more
    assert admit(half, now=NOW, lasts=MINUTE) is None
    for _ in range(3):
        half = tried(half, Sign.WORKS, now=NOW)
        assert half.state is S.HALF_OPEN
    after = tried(half, Sign.WORKS, now=NOW)
    assert (after.state, after.trips) == (S.CLOSED, 0)


def test_the_wait_doubles_up_to_half_an_hour_and_the_tenth_trip_disables_it() -> None:
    breaker, now, waits = opened(CLOSED, now=NOW), NOW, []
    while breaker.state is S.OPEN:
        assert breaker.probe_at is not None
        waits.append((breaker.probe_at - now).total_seconds())
        now = breaker.probe_at
        half = admit(breaker, now=now, lasts=MINUTE)
        assert half is not None
        breaker = tried(half, Sign.FAILS, now=now)
    assert breaker.state is S.DISABLED
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert room(breaker, now=now + timedelta(days=9)) == 0


def test_one_success_after_which_one_fails_is_another_trip() -> None:
    half = tried(_half_open(), Sign.WORKS, now=NOW)
    more = admit(half, now=NOW, lasts=MINUTE)
    assert more is not None
    again = tried(more, Sign.FAILS, now=NOW)
    assert (again.state, again.trips, again.succeeded) == (S.OPEN, 2, 0)


def test_an_attempt_whose_process_died_gives_its_place_back() -> None:
    half = _half_open()
    assert half.under_way_until is not None
    assert room(half, now=half.under_way_until - timedelta(seconds=1)) == 0
    assert room(half, now=half.under_way_until) == 1


def test_an_attempt_that_was_taken_back_gives_its_place_back() -> None:
    half = tried(_half_open(), None, now=NOW)
    assert (half.state, half.under_way, room(half, now=NOW)) == (S.HALF_OPEN, 0, 1)


@pytest.mark.parametrize("state", list(S))
def test_what_is_gone_is_disabled_and_a_person_closes_it(state: BreakerState) -> None:
    breaker = Breaker(state, NOW, probe_at=NOW)
    assert gone(breaker, now=NOW).state is S.DISABLED
    assert closed(breaker, Cause.PERSON, now=NOW).state is S.CLOSED


def test_a_move_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(Conflict):
        opened(Breaker(S.DISABLED, NOW), now=NOW)
    with pytest.raises(Conflict):
        closed(opened(CLOSED, now=NOW), Cause.SUCCESSES, now=NOW)


def test_an_open_breaker_can_be_tried_some_time() -> None:
    with pytest.raises(ValueError, match="open"):
        Breaker(S.OPEN, NOW)


@pytest.mark.parametrize(
    ("outcome", "sign"),
    [
        (Receipt("id"), Sign.WORKS),
        (Refused("No such user."), Sign.WORKS),
        (RetryLater("Greylisted.", of_recipient=True), Sign.WORKS),
        (RetryLater("Down."), Sign.FAILS),
        (OutcomeUnknown("No answer."), Sign.FAILS),
        (ConfigurationError("Wrong password."), Sign.FAILS),
        (Gone("410."), Sign.GONE),
        (TargetForbidden("Not from here."), None),
        (Withdrawn("Paused."), None),
        (NobodyKnows("Our database is away."), None),
    ],
)
def test_what_an_attempt_says_of_its_connection(outcome: object, sign: Sign | None) -> None:
    assert sign_of(outcome) is sign  # type: ignore[arg-type]  # a mixed list has no narrower type


@dataclass
class Model:
    """Model a breaker as the documentation describes it, with every attempt remembered by itself."""

    now: datetime = NOW
    breaker: Breaker = CLOSED
    trying: list[datetime] = field(default_factory=list)
    """Each attempt that tries the connection counts as alive until its time here."""
    opened_at: datetime | None = None
    successes: int = 0
    in_a_row: int = 0

    def alive(self) -> int:
        return sum(until > self.now for until in self.trying)


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 3000)),
        st.tuples(st.just("begin"), st.just(0)),
        st.tuples(st.sampled_from(["works", "fails", "none"]), st.just(0)),
        st.tuples(st.sampled_from(["enable"]), st.just(0)),
    ),
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(Steps)
def test_whatever_happens_few_try_and_nothing_is_forgotten(steps: list[tuple[str, int]]) -> None:
    model = Model()
    model.breaker, model.opened_at, model.in_a_row = opened(CLOSED, now=NOW), NOW, 1
    for what, number in steps:
        _step(model, what, number)
        breaker = model.breaker
        assert (breaker.state is S.OPEN) == (breaker.probe_at is not None)
        assert breaker.trips == model.in_a_row
        assert breaker.trips <= 10
        if breaker.state is S.HALF_OPEN:
            assert breaker.succeeded == model.successes < 5
            assert model.alive() <= max(1, 5 - model.successes)


def _step(model: Model, what: str, number: int) -> None:
    before = model.breaker
    match what:
        case "wait":
            model.now += timedelta(seconds=number)
        case "begin" if before.state is not S.CLOSED:
            after = admit(before, now=model.now, lasts=MINUTE)
            if after is None:
                return
            assert before.state is not S.DISABLED
            if before.state is S.OPEN:
                assert model.opened_at is not None
                least = min(30 * 2 ** (model.in_a_row - 1), 1800)
                assert (model.now - model.opened_at).total_seconds() >= least
                model.successes, model.trying = 0, []
            assert model.alive() == 0 or (model.successes and model.alive() < 5 - model.successes)
            model.breaker = after
            model.trying = [until for until in model.trying if until > model.now] + [model.now + MINUTE]
        case "works" | "fails" | "none" if before.state is S.HALF_OPEN and model.trying:
            model.trying.pop()
            sign = {"works": Sign.WORKS, "fails": Sign.FAILS, "none": None}[what]
            model.breaker = tried(before, sign, now=model.now)
            model.successes += what == "works"
            if what == "fails":
                model.in_a_row, model.opened_at, model.trying = model.in_a_row + 1, model.now, []
                assert model.breaker.state is (S.DISABLED if model.in_a_row == 10 else S.OPEN)
            elif model.successes == 5:
                assert model.breaker.state is S.CLOSED
                model.in_a_row = 0
        case "enable" if before.state is not S.CLOSED:
            model.breaker = closed(before, Cause.PERSON, now=model.now)
            model.in_a_row, model.trying = 0, []
            assert ALLOWED.allows(before.state, S.CLOSED, Cause.PERSON)


def _half_open() -> Breaker:
    half = admit(opened(CLOSED, now=NOW - timedelta(seconds=30)), now=NOW, lasts=MINUTE)
    assert half is not None
    return half
