"""The geometry of charts: it stays within the drawing, and says what the numbers say."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.drawings import charts
from api.web.drawings.charts import Chart, Series

numbers = st.one_of(st.none(), st.floats(min_value=0, max_value=1e9, allow_nan=False))


def bars(*values: float, own: int | None = None) -> Chart:
    """Return a chart of one series of bars."""
    return charts.bars(
        "Busy", [str(n) for n in range(len(values))], [Series("due", values)], axis="Hour (CET)", own=own
    )


@given(st.lists(numbers, max_size=40))
def test_lines_stay_within_the_drawing(values: list[float | None]) -> None:
    found = charts.lines(
        "x", [str(n) for n in range(len(values))], [Series("a", tuple(values))], axis="Hour", area=True
    )
    places = [
        float(part)
        for line in found.lines
        for pair in line.d.strip("Mz").replace("h.1", "").split("L")
        for part in pair.split()
    ]
    assert all(0 <= x <= found.width for x in places[::2])
    assert all(0 <= y <= found.height for y in places[1::2])


@given(st.lists(st.floats(min_value=0, max_value=1e9, allow_nan=False), min_size=1, max_size=40))
def test_bars_stand_on_the_base_and_below_the_highest_line(values: list[float]) -> None:
    found = bars(*values)
    assert all(bar.y + bar.height == pytest.approx(found.base, abs=0.2) for bar in found.bars)
    assert all(bar.y >= min(found.grid) - 0.1 for bar in found.bars)
    assert len(found.grid) <= 5


def test_the_scale_counts_as_people_do() -> None:
    assert [text.words for text in bars(212).texts if text.anchor == "end"] == ["100", "200", "300", "400"]
    assert [text.words for text in bars(0).texts if text.anchor == "end"] == ["1", "2", "3", "4"]
    assert [text.words for text in bars(40).texts if text.anchor == "end"] == ["10", "20", "30", "40"]


def test_twice_as_much_is_twice_as_high() -> None:
    low, high = bars(10, 20).bars
    assert high.height == pytest.approx(2 * low.height, abs=0.2)


def test_the_own_bar_is_marked() -> None:
    assert [bar.own for bar in bars(1, 2, 3, own=1).bars] == [False, True, False]


def test_stacked_bars_do_not_cover_each_other() -> None:
    found = charts.bars("x", ["Mon"], [Series("ok", (30,), "ok"), Series("bad", (10,), "bad")], axis="Day")
    below, above = found.bars
    assert above.y + above.height == pytest.approx(below.y, abs=0.1)


def test_a_missing_number_breaks_the_line_and_is_a_dash_in_the_table() -> None:
    found = charts.lines(
        "x", list("abcde"), [Series("p50", (1, 2, None, 3, 4))], axis="Hour", words=lambda value: f"{value:g} s"
    )
    assert len(found.lines) == 2
    assert found.head == ("Hour", "p50")
    assert found.rows[1:3] == (("b", "2 s"), ("c", "–"))


def test_names_at_the_ends_of_lines_stay_apart() -> None:
    found = charts.lines("x", ["a"], [Series("one", (5,)), Series("two", (5,)), Series("three", (5,))], axis="Hour")
    heights = sorted(text.y for text in found.texts if text.tone)
    assert len(heights) == 3
    assert all(below - above >= 12 for above, below in pairwise(heights))


def test_few_labels_stand_along_the_axis() -> None:
    found = bars(*range(96))
    assert 0 < len([text for text in found.texts if text.anchor == "middle"]) <= 6
    assert len(found.rows) == 96


def test_no_numbers_are_a_chart_too() -> None:
    assert bars().bars == ()
    assert charts.lines("x", [], [Series("a", ())], axis="Hour").lines == ()
