"""Which readers are told that a report does not come in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.executions.policy import Policy
from mailroom.states import DeliveryState, ExecutionState
from mailroom.telling.readers.decide import Known, Why, readers_of, why_to_tell
from prefect_mailroom.channels.registry import destination

DUE = datetime(2026, 11, 30, 8, tzinfo=UTC)
LATE = timedelta(minutes=30)
MAIL = {"channel": "email", "connection": "smtp", "to": ["Ada@example.com"], "bcc": ["bob@example.com"]}
FOLDER = {"channel": "folder", "connection": "shared"}


def why(status: ExecutionState, after: timedelta, **policy: Any) -> Why | None:
    return why_to_tell(Policy(**policy), status, DUE, late_after=LATE, now=DUE + after)


def test_nobody_is_told_where_the_schedule_does_not_say_so() -> None:
    for status in ExecutionState:
        assert why(status, timedelta(days=1)) is None


@pytest.mark.parametrize("status", [ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING])
def test_late_is_so_long_after_the_start(status: ExecutionState) -> None:
    assert why(status, LATE, notify_recipients="late") is Why.LATE
    assert why(status, LATE - timedelta(seconds=1), notify_recipients="late") is None
    spread = {"notify_recipients": "late", "jitter": "PT10M"}
    assert why(status, LATE, **spread) is None  # It may have begun ten minutes after its due time.
    assert why(status, LATE + timedelta(minutes=10), **spread) is Why.LATE
    assert why(status, timedelta(days=1), notify_recipients="failed") is None


@pytest.mark.parametrize("status", [ExecutionState.FAILED, ExecutionState.PARTIAL, ExecutionState.MISSED])
def test_what_has_failed_is_told_at_once(status: ExecutionState) -> None:
    for wanted in ("late", "failed"):
        assert why(status, timedelta(seconds=1), notify_recipients=wanted) is Why.FAILED


@pytest.mark.parametrize("status", [ExecutionState.SUCCESS, ExecutionState.SKIPPED, ExecutionState.CANCELLED])
def test_what_came_or_was_not_to_come_is_not_told(status: ExecutionState) -> None:
    assert why(status, timedelta(days=1), notify_recipients="late") is None


def test_readers_are_the_people_of_mails_each_once() -> None:
    targets = [destination(FOLDER), destination(MAIL), destination({**MAIL, "connection": "other"})]
    found = readers_of(targets, [], Why.LATE)
    assert [(one.address, one.connection) for one in found] == [
        ("Ada@example.com", "smtp"),
        ("bob@example.com", "smtp"),
    ]


@pytest.mark.parametrize("status", [DeliveryState.DELIVERED, DeliveryState.SUPPRESSED, DeliveryState.REFUSED])
def test_who_has_it_or_may_not_get_it_is_not_told(status: DeliveryState) -> None:
    known = [Known(frozenset({"ada@example.com"}), status, "d1"), Known(frozenset({"bob@example.com"}), _FAILED, "d2")]
    found = readers_of([destination(MAIL)], known, Why.FAILED)
    assert [(one.address, one.delivery_id) for one in found] == [("bob@example.com", "d2")]


def test_a_group_that_has_it_has_it_as_a_whole() -> None:
    both = frozenset({"ada@example.com", "bob@example.com"})
    assert readers_of([destination(MAIL)], [Known(both, DeliveryState.DELIVERED, "d1")], Why.FAILED) == []
    found = readers_of([destination(MAIL)], [Known(both, _FAILED, "d1")], Why.FAILED)
    assert [one.delivery_id for one in found] == ["", ""]  # Its link to unsubscribe is nobody's own.


_FAILED = DeliveryState.FAILED
