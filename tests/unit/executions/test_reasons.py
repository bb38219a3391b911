"""Reasons: a code with values that can be stored, and the sentence that a person reads."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.executions.reason_words import sentence, words
from mailroom.executions.reasons import MOST_NAMED, Reason, ReasonCode, because, naming, reason_of
from mailroom.states import ScheduleState
from mailroom.storage.tables import Execution

DUE = datetime(2026, 11, 23, 9, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "state": ScheduleState.PAUSED,
    "delay": timedelta(minutes=20),
    "late": timedelta(hours=4, seconds=1, microseconds=123456),
    "limit": timedelta(hours=4),
    "grace": 600,
    "most": 24,
    "failures": 5,
    "due_at": DUE,
    "connection": "smtp",
    "recipient": "ada@example.com",
    "execution": "e-1",
    "queued": "e-2",
    "schedule": "s-1",
    "report": "orders",
    "flow_run": "f-1",
    "error": "The table {orders} is gone.",
    "error_id": "x-1",
    "file": "orders.csv",
    "delivered": 1,
    "total": 3,
    "waiting": 2,
    "entry": "@example.com",
    "left_out": 2,
    "states": ["failed", "refused"],
    "said": "It crashed.",
    "why": "It was late.",
    "what": "the connection corp-smtp",
    "text": "As it was written.",
    "rows": 3,
    "query": "flights",
    "column": "delay",
    "op": ">=",
    "value": "30",
    "share": "any",
    "extreme": "largest",
    "found": "12",
}


@pytest.mark.parametrize("code", ReasonCode)
def test_every_code_has_a_sentence_without_raw_times(code: ReasonCode) -> None:
    said = words(because(code, **VALUES))
    assert re.fullmatch(r"[A-Z0-9].*\.", said)
    assert not re.search(r"\d:\d\d:\d\d|\d\.\d|\+00:00|timedelta|datetime", said)


@pytest.mark.parametrize("code", ReasonCode)
def test_a_reason_survives_storage(code: ReasonCode) -> None:
    stored = because(code, **VALUES)
    row = Execution(reason="", reason_code=str(code), reason_values=json.loads(json.dumps(stored.values)))
    assert reason_of(row) == stored


@pytest.mark.parametrize(("count", "named", "more"), [(1, 1, 0), (MOST_NAMED, MOST_NAMED, 0), (17, MOST_NAMED, 12)])
def test_a_few_recipients_are_named_and_more_are_counted(count: int, named: int, more: int) -> None:
    recipients = [f"{number}@example.com" for number in range(count)]
    reason = naming(because(ReasonCode.NOT_ALL_DELIVERED, **VALUES), recipients)
    assert json.loads(json.dumps(reason.values)) == reason.values
    said = words(reason)
    assert re.findall(r"\d+@example\.com", said) == recipients[:named]
    assert (f"and {more} more" in said) is bool(more)
    assert "@" not in sentence(reason)


def test_a_reason_that_was_stored_without_names_still_has_its_sentence() -> None:
    reason = because(ReasonCode.NOT_ALL_DELIVERED, **VALUES)
    assert words(naming(reason, [])) == words(reason) == sentence(reason)


def test_lateness_is_told_in_units() -> None:
    late = because(ReasonCode.EXPIRED, late=VALUES["late"], limit=VALUES["limit"])
    assert "4 hours 1 second late" in words(late)
    assert late.values == {"late": 14401.123456, "limit": 14400}


@pytest.mark.parametrize("code", [None, "of_a_later_version"])
def test_what_has_no_known_code_keeps_its_words(code: str | None) -> None:
    row = Execution(reason="It was late.", reason_code=code)
    assert reason_of(row) == Reason(ReasonCode.TEXT, {"text": "It was late."})
    assert words(reason_of(row)) == "It was late."
