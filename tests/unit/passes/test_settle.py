"""A pass decides which deliveries it tries, when the next try is, and what the execution becomes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.errors import Unavailable
from mailroom.executions.reasons import ReasonCode, because
from mailroom.passes.outcome import outcome_of
from mailroom.passes.retry import JITTER, LONGEST_JITTER, Expiry, next_attempt
from mailroom.passes.sending.due import due_now
from mailroom.passes.stopping.decide import LOOK_WHILE_STOPPED, while_held
from mailroom.states import DeliveryState, ExecutionState
from mailroom.stops.spec import StopCause
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.retries import STANDARD, Retries
from prefect_mailroom.errors import MailroomError, OutcomeUnknown, Retryable, RetryLater, SourceUnavailable

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
S = DeliveryState


def delivery(status: DeliveryState, *, again: timedelta | None = None, attempts: int = 1) -> Delivery:
    return Delivery(status=status, attempts=attempts, next_attempt_at=NOW + again if again is not None else None)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([S.DELIVERED, S.DELIVERED], ExecutionState.SUCCESS),
        ([S.DELIVERED, S.REFUSED], ExecutionState.PARTIAL),
        ([S.DELIVERED, S.SUPPRESSED], ExecutionState.PARTIAL),
        ([S.UNKNOWN], ExecutionState.FAILED),
        ([S.FAILED, S.REFUSED], ExecutionState.FAILED),
    ],
)
def test_an_execution_ends_as_its_deliveries_did(statuses: list[DeliveryState], expected: ExecutionState) -> None:
    assert outcome_of([delivery(status) for status in statuses], now=NOW).state is expected


def test_an_execution_waits_for_its_earliest_next_attempt() -> None:
    minute = timedelta(minutes=1)
    result = outcome_of(
        [delivery(S.DELIVERED), delivery(S.FAILED, again=5 * minute), delivery(S.UNKNOWN, again=minute)], now=NOW
    )
    assert result.state is ExecutionState.RETRYING
    assert result.retry_at == NOW + minute
    assert result.reason == because(ReasonCode.DELIVERY_RETRY, delivered=1, total=3, waiting=2)


def test_a_first_pass_tries_what_is_pending_only() -> None:
    pending, done = delivery(S.PENDING, attempts=0), delivery(S.DELIVERED)
    assert due_now([pending, done], now=NOW, again=False, forced=False, max_attempts=8) == [pending]


def test_what_has_got_a_later_turn_is_left_alone_until_then_unless_a_person_asks() -> None:
    later, now = delivery(S.PENDING, attempts=0, again=timedelta(minutes=1)), delivery(S.PENDING, attempts=0)
    assert due_now([later, now], now=NOW, again=False, forced=False, max_attempts=8) == [now]
    assert due_now([later, now], now=NOW, again=True, forced=True, max_attempts=8) == [later, now]
    assert due_now([later], now=NOW + timedelta(minutes=1), again=True, forced=False, max_attempts=8) == [later]


def test_what_a_stop_holds_back_does_not_call_the_run_back_at_once() -> None:
    """A held delivery stays as due as it was, so its own time says nothing; another delivery's next try still does."""
    stop = Stop(id="s", scope="connection", target="line", cause=StopCause.BREAKER, reason="Down.")
    held, retried = delivery(S.FAILED, again=-timedelta(minutes=1)), delivery(S.FAILED, again=timedelta(minutes=5))
    expiry = Expiry(NOW + timedelta(hours=4), timedelta(hours=4))

    def comes_back(*deliveries: Delivery) -> datetime | None:
        outcome = outcome_of(deliveries, now=NOW, expiry=expiry)
        waits = while_held(outcome, stop, deliveries, expiry=expiry, now=NOW)
        assert (waits.reason.code, waits.held_by) == (ReasonCode.CONNECTION_DOWN, "s")
        return waits.retry_at

    assert comes_back(held) == NOW + LOOK_WHILE_STOPPED
    assert comes_back(held, retried) == NOW + timedelta(minutes=5)


def test_a_later_pass_tries_what_is_missing_and_due() -> None:
    due, later = delivery(S.FAILED, again=timedelta()), delivery(S.FAILED, again=timedelta(hours=1))
    broken_off, given_up = delivery(S.UNKNOWN), delivery(S.UNKNOWN, attempts=8)
    final, refused, done = delivery(S.FAILED), delivery(S.REFUSED), delivery(S.DELIVERED)
    every = [due, later, broken_off, given_up, final, refused, done]
    assert due_now(every, now=NOW, again=True, forced=False, max_attempts=8) == [due, broken_off]
    assert due_now(every, now=NOW, again=True, forced=True, max_attempts=8) == every[:-1]


@given(st.integers(1, 19), st.text(max_size=20), st.one_of(st.none(), st.floats(0, 1e9)))
def test_the_next_attempt_follows_the_delays(attempts: int, key: str, not_before: float | None) -> None:
    def planned() -> datetime | None:
        return next_attempt(
            attempts=attempts, retries=STANDARD, max_attempts=20, now=NOW, not_before=not_before, key=key
        )

    found = planned()
    assert found is not None
    delay = STANDARD.after(attempts)
    assert delay is not None
    least, most = delay, delay + min(delay * JITTER, LONGEST_JITTER.total_seconds())
    asked = min(not_before or 0, 86_400)
    assert max(least, asked) - 1 <= (found - NOW).total_seconds() <= max(most, asked) + 1
    assert found == planned()


@pytest.mark.parametrize(
    ("retries", "attempts", "max_attempts"),
    [(STANDARD, 8, 8), (Retries(delays=[300, 300, 300]), 4, 100), (Retries(delays=[300, 300, 300]), 4, None)],
)
def test_attempts_run_out(retries: Retries, attempts: int, max_attempts: int | None) -> None:
    def planned(attempts: int) -> datetime | None:
        return next_attempt(
            attempts=attempts, retries=retries, max_attempts=max_attempts, now=NOW, not_before=None, key="k"
        )

    assert planned(attempts - 1) is not None
    assert planned(attempts) is None


def test_what_is_tried_again_is_a_type() -> None:
    # Other rooms have errors of their own, which are imported or not.
    known = [
        kind for kind in _below(MailroomError) if kind.__module__ in ("mailroom.errors", "prefect_mailroom.errors")
    ]
    again = {kind for kind in known if issubclass(kind, Retryable)}
    assert again == {RetryLater, OutcomeUnknown, SourceUnavailable, Unavailable}
    assert RetryLater("busy", not_before=90).not_before == 90
    assert Unavailable("away").not_before is None


def _below(kind: type[MailroomError]) -> Iterator[type[MailroomError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
