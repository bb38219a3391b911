"""Count the passes that the retries of one execution take, by the same decisions that a pass makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mailroom.passes.outcome import outcome_of
from mailroom.passes.retry import LONGEST_JITTER, SHORTEST_WINDOW, next_attempt, shared_window
from mailroom.passes.sending.due import due_now
from mailroom.states import DeliveryState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.retries import STANDARD

BEGIN = datetime(2026, 11, 25, 9, tzinfo=UTC)
ATTEMPTS = 8
PASSES_A_ROUND = 10


def passes_while_the_server_is_down(recipients: int) -> int:
    """Every attempt of every recipient fails; count the passes until none is left to try."""
    deliveries = [
        Delivery(id=new_id(), key=f"key-{number}", status=DeliveryState.PENDING, attempts=0)
        for number in range(recipients)
    ]
    passes, now = 0, BEGIN
    while True:
        passes += 1
        for delivery in due_now(deliveries, now=now, again=passes > 1, forced=False, max_attempts=ATTEMPTS):
            delivery.attempts += 1
            delivery.status = DeliveryState.FAILED
            delivery.next_attempt_at = next_attempt(
                attempts=delivery.attempts,
                retries=STANDARD,
                max_attempts=ATTEMPTS,
                now=now,
                not_before=None,
                key=delivery.key,
            )
        following = outcome_of(deliveries, now=now).retry_at
        if following is None:
            assert {delivery.attempts for delivery in deliveries} == {ATTEMPTS}
            return passes
        now = following


def test_one_recipient_takes_a_pass_for_each_attempt() -> None:
    assert passes_while_the_server_is_down(1) == ATTEMPTS


def test_a_hundred_recipients_share_the_passes_of_their_retries() -> None:
    assert passes_while_the_server_is_down(100) <= ATTEMPTS * PASSES_A_ROUND


def test_a_pass_takes_all_of_a_window_and_nothing_before_its_time() -> None:
    def waiting(seconds: float) -> Delivery:
        due = BEGIN + timedelta(seconds=seconds)
        return Delivery(status=DeliveryState.FAILED, attempts=2, next_attempt_at=due)

    window = shared_window(BEGIN + timedelta(seconds=60), now=BEGIN).total_seconds()
    within, beyond = [waiting(60), waiting(60 + window)], waiting(62 + window)
    following = outcome_of([*within, beyond], now=BEGIN).retry_at
    assert following == BEGIN + timedelta(seconds=60 + window)
    assert due_now([*within, beyond], now=following, again=True, forced=False, max_attempts=ATTEMPTS) == within
    lengths = [shared_window(BEGIN + timedelta(seconds=seconds), now=BEGIN) for seconds in (-60, 0, 30, 7200, 86_400)]
    assert (min(lengths), max(lengths)) == (SHORTEST_WINDOW, LONGEST_JITTER)
