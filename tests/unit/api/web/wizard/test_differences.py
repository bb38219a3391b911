"""Two versions of a part: what differs, and what becomes of a choice between them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.wizard.choosing.differences import at, differences, label, merged, words
from mailroom.drafts.spec import Part

MAIL = {"channel": "email", "to": ["ada@example.com"], "subject": "{report_name}"}


def test_fields_differ_one_by_one() -> None:
    mine = {"timing": {"frequency": "daily", "at": "09:00"}, "policy": {"overlap": "skip"}}
    saved = {"timing": {"frequency": "daily", "at": "10:00"}, "policy": {"overlap": "allow", "catchup": "all"}}
    paths = differences(Part.TIMING, mine, saved)
    assert paths == [("timing", "at"), ("policy", "overlap"), ("policy", "catchup")]
    assert merged(mine, saved, [("timing", "at"), ("policy", "catchup")]) == {
        "timing": {"frequency": "daily", "at": "09:00"},
        "policy": {"overlap": "allow"},
    }


def test_another_kind_of_timing_is_one_choice() -> None:
    mine = {"timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00"}}
    saved = {"timing": {"frequency": "daily", "at": "09:00"}}
    assert differences(Part.TIMING, mine, saved) == [("timing",)]
    assert words(at(mine, ("timing",)), ("timing",)).startswith("Every Monday")


def test_destinations_differ_by_field_while_they_are_the_same_ones() -> None:
    other = {**MAIL, "subject": "Other", "cc": ["bob@example.com"]}
    mine, saved = {"destinations": [MAIL]}, {"destinations": [other]}
    paths = differences(Part.DESTINATIONS, mine, saved)
    assert paths == [("destinations", 0, "subject"), ("destinations", 0, "cc")]
    assert [label(path) for path in paths] == ["Destination 1: Subject", "Destination 1: Cc"]
    assert merged(mine, saved, paths) == mine
    assert differences(Part.DESTINATIONS, mine, {"destinations": [MAIL, MAIL]}) == [("destinations",)]


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3)))
PARTS = st.dictionaries(
    st.sampled_from(["parameters", "condition", "formats", "name"]),
    st.one_of(VALUES, st.dictionaries(st.text(min_size=1, max_size=4), VALUES, max_size=4)),
    max_size=3,
)


@pytest.mark.parametrize("part", Part)
@given(mine=PARTS, saved=PARTS)
def test_all_of_mine_is_mine_and_none_of_it_is_what_was_saved(
    part: Part, mine: dict[str, Any], saved: dict[str, Any]
) -> None:
    paths = differences(part, mine, saved)
    assert merged(mine, saved, paths) == mine
    assert merged(mine, saved, []) == saved
    for path in paths:
        assert words(at(mine, path), path)
        assert label(path)
