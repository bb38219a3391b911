from __future__ import annotations

import time
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from mailroom.reports.parameters import ParametersInvalid, check_parameters, check_schema, choices, resolve_parameters

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["day", "region"],
    "properties": {
        "day": {"type": "string", "format": "date", "title": "Day", "default": "yesterday"},
        "since": {"type": ["string", "null"], "format": "date-time"},
        "region": {"type": "string", "enum": ["EMEA", "APAC"]},
        "carrier": {"type": "string", "oneOf": [{"const": "UA", "title": "United"}, {"const": "AA"}], "default": "UA"},
        "rows": {"type": "integer", "minimum": 1, "maximum": 100},
        "all": {"type": "boolean"},
    },
}
DUE = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


def faults(values: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ParametersInvalid) as caught:
        check_parameters(SCHEMA, values)
    assert all(problem.message in str(caught.value) for problem in caught.value.problems)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_defaults_are_filled_in_and_dates_resolved_from_the_due_time_in_its_zone() -> None:
    final = resolve_parameters(SCHEMA, {"region": "EMEA", "since": "start_of_month"}, DUE, "America/New_York")
    assert final == {
        "day": "2026-02-27",
        "since": "2026-02-01T00:00:00-05:00",
        "region": "EMEA",
        "carrier": "UA",
        "rows": None,
        "all": None,
    }
    assert resolve_parameters(SCHEMA, {"region": "EMEA"}, DUE, "UTC")["day"] == "2026-02-28"


def test_relative_dates_pass_the_check_at_save_time() -> None:
    values = {"region": "APAC", "day": "start_of_last_month+1w", "since": None}
    check_parameters(SCHEMA, values)
    final = resolve_parameters(SCHEMA, values, DUE, "UTC")
    assert (final["day"], final["since"]) == ("2026-02-08", None)
    assert list(faults({**values, "day": "start_of_last_month+1x"})) == ["day"], "the check is not skipped"


def test_each_fault_names_its_field_and_what_is_allowed() -> None:
    said = faults({"day": "someday", "region": "MARS", "carrier": "ZZ", "rows": 101, "all": "yes", "regoin": 1})
    assert "not a date" in said["day"]
    assert "start_of_last_month" in said["day"]
    assert "EMEA, APAC" in said["region"]
    assert "UA, AA" in said["carrier"]
    assert "at most 100" in said["rows"]
    assert "boolean" in said["all"]
    assert "Did you mean 'region'?" in said["regoin"]


def test_a_missing_value_is_named() -> None:
    assert faults({}) == {"region": "is missing. Allowed: EMEA, APAC."}


@pytest.mark.parametrize("value", [{"$ne": 1}, ["EMEA"], None, 5, True])
def test_a_text_parameter_takes_texts_only(value: object) -> None:
    assert list(faults({"region": value})) == ["region"]


@pytest.mark.parametrize("value", ["2026-02-30", "2026-01-01T00:00:00Z", 20260101, {"today": 1}])
def test_a_date_parameter_takes_dates_only(value: object) -> None:
    assert list(faults({"region": "EMEA", "day": value})) == ["day"]


@pytest.mark.parametrize("value", ["2026-01-01T00:00:00", "noon", ""])
def test_a_moment_needs_its_offset(value: str) -> None:
    assert list(faults({"region": "EMEA", "since": value})) == ["since"]


def test_whole_numbers_are_not_booleans() -> None:
    assert list(faults({"region": "EMEA", "rows": True})) == ["rows"]


def test_choices_have_titles() -> None:
    assert choices(SCHEMA["properties"]["carrier"]) == [("UA", "United"), ("AA", "AA")]
    assert choices(SCHEMA["properties"]["region"]) == [("EMEA", "EMEA"), ("APAC", "APAC")]
    assert choices(SCHEMA["properties"]["rows"]) == []


def schema_faults(schema: dict[str, Any]) -> list[tuple[str | int, ...]]:
    try:
        check_schema(schema)
    except ParametersInvalid as error:
        return [problem.at for problem in error.problems]
    return []


def test_a_good_schema_passes_whole_and_with_any_one_parameter() -> None:
    before = deepcopy(SCHEMA)
    for name, one in SCHEMA["properties"].items():
        assert schema_faults({"type": "object", "properties": {name: one}}) == []
        assert schema_faults({"type": "object", "properties": {name: {**one, "type": "strin"}}}) != []
    assert schema_faults(SCHEMA) == []
    assert before == SCHEMA, "a check changes nothing"


@pytest.mark.parametrize(
    ("schema", "at"),
    [
        ({"type": "array"}, ("type",)),
        ({"properties": {}}, ("type",)),
        ({"type": "object", "properties": {"a": {"type": "strin"}}}, ("properties", "a", "type")),
        ({"type": "object", "properties": {"a": {"type": "object"}}}, ("properties", "a")),
        ({"type": "object", "properties": {"a": {}}}, ("properties", "a")),
        ({"type": "object", "properties": {"a": True}}, ("properties", "a")),
        ({"type": "object", "properties": {"A b": {"type": "string"}}}, ("properties", "A b")),
        ({"type": "object", "properties": {"a": {"type": "number", "minimum": "x"}}}, ("properties", "a", "minimum")),
        ({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}, ("properties", "a", "default")),
        (
            {"type": "object", "properties": {"a": {"type": "string", "format": "date", "default": "soon"}}},
            ("properties", "a", "default"),
        ),
        ({"type": "object", "properties": {}, "required": ["b"]}, ("required",)),
        (
            {"type": "object", "properties": {"a": {"type": "string", "$ref": "http://127.0.0.1:9/x"}}},
            ("properties", "a", "$ref"),
        ),
        ({"type": "object", "properties": {"a": {"type": "string", "oneOf": [{"title": "x"}]}}},
         ("properties", "a", "oneOf", 0)),
    ],
)  # fmt: skip
def test_a_wrong_schema_is_refused_where_it_is_wrong(schema: dict[str, Any], at: tuple[str | int, ...]) -> None:
    with pytest.raises(ParametersInvalid) as caught:
        check_schema(schema)
    assert [problem.at for problem in caught.value.problems] == [at]
    assert caught.value.remedy


def test_a_wrong_default_is_said_once_and_other_parameters_are_left_alone() -> None:
    schema = {
        "type": "object",
        "required": ["b"],
        "properties": {"a": {"type": "integer", "default": 0, "minimum": 1}, "b": {"type": "string"}},
    }
    with pytest.raises(ParametersInvalid) as caught:
        check_schema(schema)
    assert [problem.field for problem in caught.value.problems] == ["a"]


@pytest.mark.parametrize(
    ("pattern", "taken", "refused"),
    [
        (r"^\d{3}$", "123", "1234"),
        ("^[A-Z]{2}[0-9]+$", "DE12", "DE12\n"),
        (r"\p{Greek}", "αβγ", "abc"),
        ("^.$", "é", "\ud800"),
        ("^(a+)+$", "a" * 5000, "a" * 5000 + "!"),
        ("^(a|a)*$", "a" * 5000, "a" * 5000 + "!"),
    ],
)
def test_a_pattern_is_matched_in_bounded_time(pattern: str, taken: str, refused: str) -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string", "pattern": pattern}}}
    check_schema(schema)
    began = time.thread_time()
    check_parameters(schema, {"code": taken})
    with pytest.raises(ParametersInvalid) as caught:
        check_parameters(schema, {"code": refused})
    assert time.thread_time() - began < 1
    assert [problem.field for problem in caught.value.problems] == ["code"]


@pytest.mark.parametrize("pattern", ["(?=a)a", r"(a)\1", "((a{1000}){1000}){1000}", "[", "(?:a?){900}" * 900])
def test_a_pattern_that_cannot_be_bounded_is_refused_with_its_report(pattern: str) -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string", "pattern": pattern}}}
    assert schema_faults(schema) == [("properties", "code", "pattern")]
    with pytest.raises(ParametersInvalid):  # A report that was stored before patterns were checked.
        check_parameters(schema, {"code": "aa"})


def test_patterns_of_names_are_refused_and_a_parameter_may_be_named_pattern() -> None:
    named = {"type": "object", "properties": {"pattern": {"type": "string"}}}
    assert schema_faults(named) == []
    assert schema_faults({**named, "patternProperties": {"^(a+)+$": {}}}) == [("patternProperties",)]
