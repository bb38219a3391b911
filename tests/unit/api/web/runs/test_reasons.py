"""Every reason has words of its own on pages, without what only programs read."""

from __future__ import annotations

import re
from datetime import datetime
from string import Formatter
from typing import Any

import pytest

from api.web.execution import reasons
from api.web.execution.reasons import explained
from mailroom.executions import reason_words
from mailroom.executions.reasons import ReasonCode

VALUES: dict[str, Any] = {
    **dict.fromkeys(("late", "limit", "delay", "grace"), 3660),
    "due_at": "2026-11-23T08:00:00+00:00",
    "execution": "e-2",
    "left_out": 2,
    "most": 24,
    "failures": 5,
}


def instant(at: datetime) -> str:
    """Say a point in time so that a test knows it again."""
    return f"at {at:%H:%M}"


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_is_explained(code: ReasonCode) -> None:
    named = {name for _, name, _, _ in Formatter().parse(reason_words._SENTENCES[code]) if name}
    values = {name: VALUES.get(name, name.upper()) for name in named}
    found = explained(code, values, "stored words", instant)
    assert "?" not in found.why
    assert "3660" not in found.why
    assert not re.search(r"catchup|expires_after|overlap:|MAILROOM_|/api/|e-2", found.why + found.todo)


def test_a_reason_of_before_codes_and_one_of_a_later_version_keep_their_words() -> None:
    assert explained(None, {}, "as stored", instant).why == "as stored"
    assert explained("of_tomorrow", {}, "as stored", instant).why == "as stored"


def test_another_run_is_a_link_and_times_are_in_the_zone_of_the_schedule() -> None:
    found = explained("superseded", {"execution": "e-2", "due_at": VALUES["due_at"]}, "", instant)
    assert (found.other, "at 08:00" in found.why, bool(found.other_words)) == ("e-2", True, True)


def test_a_value_that_was_not_stored_does_not_break_the_page() -> None:
    assert "?" in explained("expired", {}, "", instant).why


def test_the_table_has_no_words_without_a_code() -> None:
    assert set(reasons._WORDS) == set(ReasonCode)
