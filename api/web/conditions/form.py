"""Ask when a report is sent: the fields of a condition, and what was sent of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.web.forms import Form
from api.web.parts import Field, Option
from mailroom.errors import Fault
from mailroom.executions.conditions.words import COMPARISONS
from mailroom.reports.spec import HttpSource, ReportDefinition

NAME = "condition-send_if"
_THRESHOLD = "condition-threshold"
QUERY, COLUMN, OP, VALUE, ROWS = (f"{_THRESHOLD}-{one}" for one in ("query", "column", "op", "value", "rows"))
_WHOLE = re.compile(r"[+\-\u2212]?[0-9]{1,15}", re.ASCII)
_NUMBER = re.compile(r"[+\-\u2212]?([0-9]{1,15}([.,][0-9]{1,15})?|[.,][0-9]{1,15})", re.ASCII)
_RULES = (
    ("always", "Always", "Also when there are no rows."),
    ("rows", "When there are rows", ""),
    ("no_rows", "When there are no rows", "For a check that should find nothing, and tells you that it did not."),
    ("changed", "When the data has changed", "Compared with what was last delivered."),
    ("threshold", "When a column reaches a value", ""),
)
_SAID = {
    "condition.send_if": "Choose when it is sent.",
    "condition.threshold.query": "Choose one of the report's queries.",
    "condition.threshold.column": "Enter the name of a column.",
    "condition.threshold.op": "Choose how it is compared.",
    "condition.threshold.value": "Enter a number, a date such as 2026-11-30, or a text.",
}


@dataclass(frozen=True, slots=True)
class ConditionFields:
    """The fields of a condition: a radio for each rule, and the fields of a threshold, which count with its radio."""

    rules: tuple[Option, ...]
    chosen: str
    errors: tuple[str, ...]
    query: Field | None
    column: Field
    op: Field
    value: Field
    rows: Field
    known: tuple[str, ...]
    name: str = NAME


def read(form: Form) -> dict[str, Any]:
    """Return the condition that a form has entered; what is wrong with it stays as it was typed."""
    rule = form.text(NAME) or "always"
    if rule != "threshold":
        return {"send_if": rule}
    threshold = {
        "query": form.text(QUERY),
        "column": form.text(COLUMN),
        "op": form.text(OP),
        "value": _value(form.text(VALUE)),
        "rows": form.text(ROWS) or "any",
    }
    return {"send_if": rule, "threshold": threshold}


def _value(text: str) -> int | float | str:
    """Return a number where a number was written, else the text."""
    plain = text.replace("\u2212", "-").replace(",", ".")
    if _WHOLE.fullmatch(text):
        return int(plain)
    return float(plain) if _NUMBER.fullmatch(text) else text


def fields(
    condition: Any,
    definition: ReportDefinition,
    columns: Mapping[str, Sequence[str]],
    errors: Mapping[str, tuple[str, ...]],
) -> ConditionFields:
    """Return the fields.

    Args:
        condition: as `read` returns it, or as it is stored.
        columns: the names of each query's columns, as far as they are known.
        errors: by the names of the fields.
    """
    given = condition if isinstance(condition, Mapping) else {}
    chosen = str(given.get("send_if") or "always")
    threshold = given.get("threshold")
    threshold = threshold if isinstance(threshold, Mapping) else {}
    queries = definition.query_names
    query = str(threshold.get("query") or definition.data_query or "")
    known = tuple(dict.fromkeys(name for one in (query, *queries) for name in columns.get(one, ())))
    plain = {"autocomplete": "off", "maxlength": "200"}
    return ConditionFields(
        rules=_rules(chosen, definition),
        chosen=chosen,
        errors=(*errors.get(NAME, ()), *errors.get(_THRESHOLD, ())),
        query=_select(QUERY, "Of the query", query, [(one, one) for one in queries], errors),
        column=Field(
            COLUMN,
            "Column",
            "text",
            str(threshold.get("column") or ""),
            errors=errors.get(COLUMN, ()),
            attributes={**plain, **({"list": f"{COLUMN}-known"} if known else {}), "spellcheck": "false"},
        ),
        op=_select(OP, "Is", str(threshold.get("op") or ">="), list(COMPARISONS.items()), errors),
        value=Field(
            VALUE,
            "Value",
            "text",
            _shown(threshold.get("value")),
            hint="A number, a date such as 2026-11-30, or a text.",
            errors=errors.get(VALUE, ()),
            attributes=plain,
        ),
        rows=_select(
            ROWS,
            "In",
            str(threshold.get("rows") or "any"),
            [("any", "one row at least"), ("all", "every row that has a value")],
            errors,
        ),
        known=known,
    )


def say(fault: Fault) -> str:
    """Return what is wrong with a condition, and what to do; empty for what is no fault of one."""
    if not fault.field.startswith("condition"):
        return ""
    match fault.code:
        case "no_rows_to_ask":
            return "The report passes on its files as they are, so its rows are not known. Choose another."
        case "no_column" | "no_query":
            what = "column" if fault.code == "no_column" else "query"
            return f"There is no {what} of this name. {fault.remedy}"
    return _SAID.get(fault.field, "Choose when it is sent, and fill in what belongs to it.")


def _rules(chosen: str, definition: ReportDefinition) -> tuple[Option, ...]:
    """Return the rules; those that ask for rows only where the report has rows of its own, or where one is chosen."""
    source = definition.source
    has_rows = bool(definition.query_names) and not (isinstance(source, HttpSource) and source.pass_on)
    # A schedule with the older name keeps it, so that saving it unchanged changes nothing.
    older = {"rows": "not_empty"} if chosen == "not_empty" else {}
    return tuple(
        Option(older.get(value, value), label, hint)
        for value, label, hint in _RULES
        if has_rows or value in ("always", "changed", chosen)
    )


def _select(
    name: str, label: str, value: str, options: Sequence[tuple[str, str]], errors: Mapping[str, tuple[str, ...]]
) -> Field:
    found = [Option(*one) for one in options]
    if value and value not in dict(options):
        found.append(Option(value, f"{value} (not there any more)"))
    return Field(name, label, "select", value, tuple(found), errors=errors.get(name, ()))


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
