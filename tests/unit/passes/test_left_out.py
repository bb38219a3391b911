"""Recipients to whom nothing is sent are left out: the others decide what becomes of an execution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.executions.reasons import ReasonCode
from mailroom.passes.gate import may_get
from mailroom.passes.outcome import outcome_of
from mailroom.recipients.spec import pseudonym
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Delivery

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
S = DeliveryState


def _left_out(code: ReasonCode = ReasonCode.RECIPIENT_SUPPRESSED) -> Delivery:
    return Delivery(status=S.SUPPRESSED, reason_code=str(code), attempts=0)


@pytest.mark.parametrize(
    ("others", "state", "code"),
    [
        ([S.DELIVERED], ExecutionState.SUCCESS, ReasonCode.DELIVERED_BUT_SUPPRESSED),
        ([S.DELIVERED, S.REFUSED], ExecutionState.PARTIAL, ReasonCode.NOT_ALL_DELIVERED),
        ([S.FAILED], ExecutionState.FAILED, ReasonCode.NOT_ALL_DELIVERED),
        ([], ExecutionState.SKIPPED, ReasonCode.ALL_SUPPRESSED),
    ],
)
@pytest.mark.parametrize(
    "left_out",
    [ReasonCode.RECIPIENT_SUPPRESSED, ReasonCode.RECIPIENT_ERASED, ReasonCode.RECIPIENT_UNSUBSCRIBED],
)
def test_nobody_misses_what_is_left_out(
    others: list[DeliveryState], state: ExecutionState, code: ReasonCode, left_out: ReasonCode
) -> None:
    deliveries = [_left_out(left_out), *(Delivery(status=status, attempts=1) for status in others)]
    outcome = outcome_of(deliveries, now=NOW)
    assert (outcome.state, outcome.reason.code) == (state, code)
    assert outcome.reason.values.get("total", 0) == len(others)


def test_what_is_suppressed_for_another_reason_is_missed() -> None:
    lost = Delivery(status=S.SUPPRESSED, reason_code=str(ReasonCode.OWNER_INACTIVE), attempts=0)
    outcome = outcome_of([lost, Delivery(status=S.DELIVERED, attempts=1)], now=NOW)
    assert outcome.state is ExecutionState.PARTIAL


def test_it_waits_for_the_others() -> None:
    waits = Delivery(status=S.FAILED, attempts=1, next_attempt_at=NOW + timedelta(minutes=1))
    assert outcome_of([_left_out(), waits], now=NOW).state is ExecutionState.RETRYING


def test_nothing_is_sent_to_an_erased_address_though_no_list_names_it() -> None:
    assert may_get("ada@example.com", None) is None
    for recipient, entry, code in (
        ("ada@example.com", "@example.com", ReasonCode.RECIPIENT_SUPPRESSED),
        (pseudonym("ada@example.com", "s" * 32), None, ReasonCode.RECIPIENT_ERASED),
    ):
        reason = may_get(recipient, entry)
        assert reason is not None
        assert reason.code is code


def test_whoever_has_unsubscribed_gets_nothing_and_the_list_says_why_where_both_do() -> None:
    reason = may_get("ada@example.com", None, unsubscribed=True)
    assert reason is not None
    assert reason.code is ReasonCode.RECIPIENT_UNSUBSCRIBED
    listed = may_get("ada@example.com", "@example.com", unsubscribed=True)
    assert listed is not None
    assert listed.code is ReasonCode.RECIPIENT_SUPPRESSED
