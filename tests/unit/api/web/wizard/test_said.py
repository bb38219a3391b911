"""Parameters in words: titles of choices, dates that move along, and what people type for those."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.fields.said import date_words, parameter_lines, spoken, unspoken
from api.web.wizard.summary.rows import rows
from mailroom.reports.dates import ANCHORS, is_relative

SCHEMA: dict[str, Any] = {
    "properties": {
        "from": {"type": "string", "format": "date", "title": "First day"},
        "origin": {
            "type": "string",
            "title": "Airport",
            "oneOf": [{"const": "all", "title": "All three"}, {"const": "EWR", "title": "Newark Liberty"}],
        },
        "kinds": {"type": "array", "title": "Kinds", "items": {"enum": [1, True], "type": "integer"}},
        "late_only": {"type": "boolean"},
    }
}


def test_parameters_have_the_titles_of_the_report_and_of_its_choices() -> None:
    given = {"from": "start_of_last_month", "origin": "EWR", "late_only": True, "gone_by_now": "x"}
    assert parameter_lines(SCHEMA, given) == [
        "First day: start of last month",
        "Airport: Newark Liberty",
        "Late only: yes",
        "Gone by now: x",
    ]


def test_the_check_of_a_draft_says_them_so_too() -> None:
    body = {"parameters": {"origin": "all"}}
    data = rows(body, report_title="Carriers", schema=SCHEMA, change={}, next_run="")[2]
    assert data.lines == ("Airport: All three",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("today", "the day of the run"),
        ("today-1d", "1 day before the day of the run"),
        ("start_of_last_full_week+2w-1d", "1 day before 2 weeks after the start of last week"),
        ("2026-11-30", "30 Nov 2026"),
        ("2026-11-30T09:00:00+01:00", "30 Nov 2026, 09:00"),
        ("someday", "someday"),
    ],
)
def test_a_date_that_moves_along_is_a_phrase(text: str, words: str) -> None:
    assert date_words(text) == words


OFFSETS = st.lists(st.tuples(st.sampled_from("+-"), st.integers(1, 99), st.sampled_from("dwmy")), max_size=3)


@given(st.sampled_from(ANCHORS), OFFSETS)
def test_what_is_shown_can_be_typed(anchor: str, offsets: list[tuple[str, int, str]]) -> None:
    text = anchor + "".join(f"{sign}{number}{unit}" for sign, number, unit in offsets)
    assert is_relative(text)
    shown = spoken(text)
    assert "_" not in shown
    assert unspoken(shown) == text.replace("_last_full_", "_last_")
    assert unspoken(f"  {shown.upper()} ") == text.replace("_last_full_", "_last_")


@pytest.mark.parametrize("text", ["2026-11-30", "", "next tuesday", "start of something"])
def test_other_text_stays_as_it_was_typed(text: str) -> None:
    assert unspoken(text) == text
