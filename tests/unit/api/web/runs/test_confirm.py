"""Before something leaves the house, a page says what will happen."""

from __future__ import annotations

import pytest

from api.web.execution import confirm
from mailroom.errors import Conflict, Invalid
from mailroom.states import DeliveryState, ExecutionState
from tests.unit.api.web.runs.build import WHEN, delivery, run

MAIL = {
    "channel": "email",
    "connection": "corp-smtp",
    "to": ["ada@example.com", "Bob@example.com"],
    "cc": ["ADA@example.com"],
}
FOLDER = {"channel": "folder", "connection": "shared", "path": "a/{date}.{ext}"}


def test_a_retry_names_whom_it_reaches_and_nobody_else() -> None:
    rows = [delivery("ada@example.com"), delivery("bob@example.com", DeliveryState.FAILED)]
    asked = confirm.retry(run(ExecutionState.PARTIAL, deliveries=rows), WHEN)
    assert asked.names == ("bob@example.com",)
    assert "1 of 2" in asked.lines[0]
    assert asked.button.endswith("1")


def test_a_correction_goes_to_those_who_may_have_the_wrong_one() -> None:
    rows = [delivery(f"{status}@example.com", status) for status in DeliveryState]
    asked = confirm.correction(run(ExecutionState.PARTIAL, deliveries=rows), WHEN)
    assert set(asked.names) == {"delivered@example.com", "unknown@example.com"}
    assert asked.asks_why


def test_of_many_the_rest_is_counted() -> None:
    rows = [delivery(f"p{number}@example.com") for number in range(confirm.MOST_NAMED + 3)]
    asked = confirm.correction(run(deliveries=rows), WHEN)
    assert (len(asked.names), "3" in asked.more) == (confirm.MOST_NAMED, True)


def test_whom_a_schedule_reaches_is_counted_once_each() -> None:
    assert confirm.reach([MAIL, FOLDER]) == "2 people and 1 folder"
    assert confirm.reach([FOLDER, FOLDER]) == "2 folders"
    assert confirm.reach([{"channel": "of tomorrow"}]) == "1 destination"


def test_a_refusal_has_no_words_for_programs() -> None:
    (fault,) = confirm.faults_of(Conflict("It was corrected.", remedy="POST /api/v1/executions/e-2/correct."))
    assert "/api/" not in fault.words
    (placed,) = confirm.faults_of(Invalid.at("reason", "is too long."))
    assert placed.target == "reason"


def test_a_reason_that_cannot_be_sent_is_refused() -> None:
    assert confirm.correction_of("").reason is None
    with pytest.raises(Invalid):
        confirm.correction_of("x" * 501)
