"""Say comparisons in words."""

from __future__ import annotations

from collections.abc import Mapping

from mailroom.executions.conditions.spec import Condition, Threshold

COMPARISONS: Mapping[str, str] = {
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
    "=": "equal to",
    "!=": "other than",
}
DAYS: Mapping[str, str] = {
    ">=": "on or after",
    ">": "after",
    "<=": "on or before",
    "<": "before",
    "=": "on",
    "!=": "not on",
}
SHARES: Mapping[str, str] = {"any": "one is", "all": "every one is"}
_RULES: Mapping[str, str] = {
    "always": "Always, also without rows",
    "rows": "Only if there are rows",
    "no_rows": "Only if there are no rows",
    "changed": "Only if the data has changed since it was last delivered",
}


def comparison(threshold: Threshold) -> str:
    """Return a comparison, such as "at least 30"."""
    words = DAYS if threshold.kind == "day" else COMPARISONS
    return f"{words[threshold.op]} {threshold.value}"


def threshold_words(threshold: Threshold) -> str:
    """Return a threshold, such as "a value of delay is at least 30"."""
    which = "a value" if threshold.rows == "any" else "every value"
    return f"{which} of {threshold.column} is {comparison(threshold)}"


def condition_words(condition: Condition) -> str:
    """Return when a report is sent, such as "Only if a value of delay is at least 30 (query flights)"."""
    if condition.threshold is None:
        return _RULES[condition.rule]
    return f"Only if {threshold_words(condition.threshold)} (query {condition.threshold.query})"
