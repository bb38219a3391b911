"""A threshold that is decided from facts says what a look at every value says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailroom.executions.conditions.spec import Threshold
from mailroom.rendering.document.answers import Need
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.facts.compare import is_empty, meets
from mailroom.rendering.facts.decide import Open, covers, reached
from mailroom.rendering.facts.gather import QueryGatherer
from mailroom.rendering.facts.model import DataFacts

ZONE = ZoneInfo("UTC")
VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from([0.1, -2.5, float("nan"), float("inf"), Decimal("0.1"), Decimal("2.00"), 10**30, True]),
    st.sampled_from(["late", "on time", "", "2026-11-30", "2026-11-30 08:00:00", "x" * 300, b"1", [1]]),
    st.dates(date(2026, 11, 28), date(2026, 12, 2)),
    st.sampled_from([datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 11, 30, 1)]),
)
LIMITS = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.1, 2.0, -2.5]), st.sampled_from(["late", "m", "2026-11-30", "2026-12-01"])
)
OPERATORS = st.sampled_from(["<", "<=", "=", "!=", ">=", ">"])


def facts_of(values: list[Any], threshold: Threshold | None = None, *, batch: int = 3) -> DataFacts:
    """Return the facts about one column, as a renderer gathers them."""
    gatherer = QueryGatherer(Need(all_rows=True), [ColumnType("delay", "integer")], 60, threshold, ZONE)
    for at in range(0, len(values), batch):
        gatherer.write([(value,) for value in values[at : at + batch]])
    answered = {threshold.key: gatherer.answered()} if threshold else {}
    return DataFacts.model_validate(
        DataFacts(queries={"flights": gatherer.facts(ended=True)}, answered=answered).model_dump(mode="json")
    )


def threshold(op: str, value: Any, rows: str = "any") -> Threshold:
    """Return a threshold of the column."""
    return Threshold.model_validate({"query": "flights", "column": "delay", "op": op, "value": value, "rows": rows})


def naive(wanted: Threshold, values: list[Any]) -> bool | None:
    """Say it by a look at each value; None where values that cannot be compared leave it open."""
    said = [meets(wanted, value, ZONE) for value in values if not is_empty(value)]
    if wanted.rows == "any":
        return True if True in said else None if None in said else False
    return False if False in said else None if None in said else bool(said)


@given(st.lists(VALUES, max_size=12), OPERATORS, LIMITS, st.sampled_from(["any", "all"]))
@example(["2026-11-30", "on time"], ">=", "2026-11-30", "any")
@example([0, 2], "=", 1, "any")
def test_facts_decide_as_a_look_at_every_value(values: list[Any], op: str, limit: Any, rows: str) -> None:
    wanted = threshold(op, limit, rows)
    expected = naive(wanted, values)
    kept = facts_of(values)
    if covers(wanted, kept):
        assert reached(wanted, kept).met is expected
    asked = facts_of(values, wanted)
    assert covers(wanted, asked)
    assert reached(wanted, asked).met is expected


@pytest.mark.parametrize(
    ("values", "op", "limit", "rows", "met"),
    [
        ([12, 30, None], ">=", 30, "any", True),
        ([12, 29.9], ">=", 30, "any", False),
        ([30, 31, None], ">=", 30, "all", True),
        ([30, 3], ">=", 30, "all", False),
        ([], ">=", 30, "any", False),
        ([], ">=", 30, "all", False),
        ([None, float("nan")], "!=", 30, "all", False),
        (["late", "on time"], "=", "late", "any", True),
        ([date(2026, 11, 29)], "<", "2026-11-30", "all", True),
        (["2026-11-29 23:59:59"], ">=", "2026-11-30", "any", False),
        ([0.1], "=", 0.1, "any", True),
        ([Decimal("0.10")], "=", 0.1, "all", True),
        ([True, False], "=", 1, "any", True),
    ],
)
def test_what_a_threshold_means(values: list[Any], op: str, limit: Any, rows: str, met: bool) -> None:
    found = reached(threshold(op, limit, rows), facts_of(values))
    assert (found.met, found.why) == (met, None)


def test_its_reason_has_the_extremes() -> None:
    found = reached(threshold(">=", 30), facts_of([3, 12.5, None]))
    assert (found.values, found.least, found.greatest) == (2, "3", "12.5")


@pytest.mark.parametrize(
    ("column", "values", "limit", "why"),
    [
        ("delai", [1], 1, Open.NO_COLUMN),
        ("delay", ["late"], 1, Open.NOT_COMPARABLE),
        ("delay", [1], "late", Open.NOT_COMPARABLE),
        ("delay", [b"1"], 1, Open.NOT_COMPARABLE),
    ],
)
def test_what_leaves_it_open(column: str, values: list[Any], limit: Any, why: Open) -> None:
    wanted = threshold(">", limit).model_copy(update={"column": column})
    found = reached(wanted, facts_of(values))
    assert (found.met, found.why) == (None, why)


def test_many_values_between_the_extremes_are_not_kept() -> None:
    many = facts_of([2 * number for number in range(100)])
    assert reached(threshold("=", 51), many).why is Open.NOT_KEPT
    assert reached(threshold("=", 199), many).met is False
    assert reached(threshold("=", 198), many).met is True


@given(st.lists(st.tuples(VALUES, VALUES), max_size=10), st.integers(1, 4))
def test_a_digest_does_not_depend_on_batches(rows: list[tuple[Any, ...]], batch: int) -> None:
    def digests(size: int) -> tuple[str | None, str | None]:
        columns = [ColumnType("a", "text"), ColumnType("b", "text")]
        gatherer = QueryGatherer(Need(keep=2, all_rows=True), columns, 0, None, ZONE)
        for at in range(0, len(rows), size):
            gatherer.write(rows[at : at + size])
        found = gatherer.facts(ended=True)
        return found.head, found.whole

    assert digests(batch) == digests(100)
