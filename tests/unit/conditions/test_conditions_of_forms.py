"""A condition through a form and back, in the words of pages; what is kept of data; reports without rows."""

from __future__ import annotations

from typing import Any

import pytest

from api.web.conditions import form as fields
from api.web.forms import Form
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.conditions.words import condition_words
from mailroom.passes.conditions.kept import DataKept
from mailroom.rendering.facts.model import ColumnFacts, DataFacts, QueryFacts
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.conditions.checks import condition_faults
from tests.support.samples import REPORT

ORDERS = ReportDefinition.model_validate(REPORT)
AMOUNT = {"query": "orders", "column": "amount", "op": ">=", "rows": "all"}


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("30", 30),
        ("\u22123", -3),
        ("0.5", 0.5),
        ("0,5", 0.5),
        ("2026-11-30", "2026-11-30"),
        ("late", "late"),
        ("1e9", "1e9"),
    ],
)
def test_a_value_is_what_it_looks_like(typed: str, value: Any) -> None:
    sent = {fields.NAME: "threshold", fields.VALUE: typed, **{f"condition-threshold-{k}": v for k, v in AMOUNT.items()}}
    found = fields.read(Form(tuple(sent.items())))
    assert found == {"send_if": "threshold", "threshold": {**AMOUNT, "value": value}}
    assert type(found["threshold"]["value"]) is type(value)
    shown = fields.fields(found, ORDERS, {}, {})
    assert (shown.chosen, shown.column.value, shown.rows.value) == ("threshold", "amount", "all")


def test_the_older_name_is_kept_by_its_form() -> None:
    shown = fields.fields({"send_if": "not_empty"}, ORDERS, {}, {})
    assert [one.value for one in shown.rules] == ["always", "not_empty", "no_rows", "changed", "threshold"]


def test_a_report_without_rows_offers_no_questions_about_them() -> None:
    source = {"kind": "shell", "connection": "make", "command": ["make"]}
    shell = ReportDefinition.model_validate({**REPORT, "source": source, "sections": []})
    assert [one.value for one in fields.fields({}, shell, {}, {}).rules] == ["always", "changed"]
    for condition in ({"send_if": "no_rows"}, {"send_if": "threshold", "threshold": {**AMOUNT, "value": 1}}):
        assert [one.code for one in condition_faults(Condition.model_validate(condition), shell)] == ["no_rows_to_ask"]
    assert condition_faults(Condition(send_if="not_empty"), shell) == []


def test_words_name_the_comparison() -> None:
    reached = Condition.model_validate({"send_if": "threshold", "threshold": {**AMOUNT, "value": "2026-11-30"}})
    assert "on or after 2026-11-30" in condition_words(reached)
    assert condition_words(Condition(send_if="not_empty")) == condition_words(Condition(send_if="rows"))


def test_no_text_of_the_data_is_kept_with_an_execution() -> None:
    columns = (
        ColumnFacts(name="name", texts=2, text=("Ada", "Zoe"), distinct=("Ada", "Zoe")),
        ColumnFacts(name="day", texts=1, text=("2026-11-30 Zoe", "2026-11-30 Zoe"), iso=True),
        *(ColumnFacts(name=f"c{number}", numbers=1, number=("1", "1")) for number in range(40)),
    )
    query = QueryFacts(rows=2, whole="w", names=("name", "day"), columns=columns)
    stored = DataKept(basis="b", facts=DataFacts(queries={"people": query})).stored()
    assert "Ada" not in str(stored)
    assert "Zoe" not in str(stored)
    back = DataKept.model_validate(stored).facts.queries["people"]
    assert len(back.columns) == 20
    day = back.column("day")
    assert day is not None
    assert (day.days, day.day) == (1, ("2026-11-30", "2026-11-30"))
