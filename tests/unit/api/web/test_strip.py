"""The geometry and the words of the occurrence strip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.web.drawings import strip
from api.web.drawings.strip import Mark, Occurrence
from mailroom.states import ExecutionState

START = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
STATES = [*ExecutionState, strip.TO_COME]


def due(*states: str) -> list[Occurrence]:
    """Return an occurrence a day."""
    return [Occurrence(state, START + timedelta(days=number)) for number, state in enumerate(states)]


def test_every_state_has_a_shape_that_differs_without_colour() -> None:
    drawn = {state: tuple((path.style, path.d) for path in strip.shape(state, 0)) for state in STATES}
    assert len(set(drawn.values())) == len(STATES)


def test_a_state_without_a_shape_is_refused() -> None:
    with pytest.raises(KeyError):
        strip.shape("lost", 0)


def test_a_failure_is_taller_than_a_success() -> None:
    assert "M1 2h8v18" in strip.shape("failed", 0)[0].d
    assert "M1 8h8v12" in strip.shape("success", 0)[0].d


def test_the_newest_is_at_the_right_and_only_the_last_are_shown() -> None:
    found = strip.image(due("failed", *["success"] * 14), last=14)
    assert found.width == 140
    assert found.label == "Last 14: 14 delivered"
    assert not [path for path in found.paths if path.tone == "bad"]
    few = strip.image(due("failed"), last=14)
    assert next(path for path in few.paths if path.tone == "bad").d.startswith("M131 ")


def test_the_order_of_what_is_given_does_not_matter() -> None:
    occurrences = due("success", "failed", "missed")
    assert strip.image(reversed(occurrences)) == strip.image(occurrences)


def test_the_label_counts_each_state_in_words() -> None:
    assert strip.label(due("success", "partial", "success", "missed")) == (
        "Last 4: 2 delivered, 1 partly delivered, 1 missed"
    )
    assert strip.label([]) == "No runs yet"


def test_a_strip_of_one_state_is_few_elements() -> None:
    assert len(strip.image(due(*["success"] * 14)).paths) == 2


def test_a_pause_breaks_the_baseline_and_an_edit_notches_it() -> None:
    between = START + timedelta(days=1, hours=1)
    plain = strip.image(due("success", "success", "success"), last=3)
    paused = strip.image(due("success", "success", "success"), [Mark("paused", between)], last=3)
    edited = strip.image(due("success", "success", "success"), [Mark("edited", between)], last=3)
    line = {path.style: path.d for path in paused.paths}["baseline"]
    assert line == "M0 20.5H17M23 20.5H30"
    assert {path.style: path.d for path in plain.paths}["baseline"] == "M0 20.5H30"
    assert {path.style for path in edited.paths} - {path.style for path in plain.paths} == {"notch"}


def test_a_page_shows_marks_and_the_present_in_their_order() -> None:
    occurrences = [*due("success", "failed"), Occurrence("to_come", START + timedelta(days=5), "/schedules/1")]
    marks = [Mark("edited", START + timedelta(hours=1), "Edited by Ada"), Mark("paused", START - timedelta(hours=1))]
    found = strip.page(occurrences, marks, now=START + timedelta(days=2))
    assert [item.kind for item in found.items] == ["paused", "occurrence", "edited", "occurrence", "now", "occurrence"]
    assert found.items[2].words == "Edited by Ada"
    assert found.items[-1].href == "/schedules/1"
