"""Decide whether a report is sent, from what is known of its data. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailroom.executions.conditions.spec import Condition, Threshold
from mailroom.executions.conditions.words import threshold_words
from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.passes.conditions.kept import DataKept
from mailroom.rendering.facts.decide import Open, Reached, reached
from mailroom.rendering.facts.model import Asked
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.errors import ConfigurationError

_SHOWN = 20


class ConditionOpen(ConfigurationError):
    """The data does not say whether the condition holds.

    Args:
        why: as `mailroom.rendering.facts.decide` has it.
    """

    def __init__(self, message: str, why: Open, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy, field="condition.threshold")
        self.why = why


@dataclass(frozen=True, slots=True)
class Delivered:
    """Hold what a schedule last delivered: by which execution, due when, and what is known of its data."""

    execution_id: str
    due_at: datetime
    data: DataKept


def why_not(condition: Condition, data: DataKept, last: Delivered | None) -> Reason | None:
    """Return the reason why a report is not sent; None where it is.

    Args:
        last: what was last delivered for the schedule before it; only asked where `condition` compares with it.

    Raises:
        ConditionOpen: a threshold cannot be decided.
    """
    match condition.rule:
        case "rows":
            return because(ReasonCode.NO_ROWS) if data.some is False else None
        case "no_rows":
            return because(ReasonCode.HAS_ROWS, rows="some" if data.rows is None else data.rows) if data.some else None
        case "changed":
            return _not_changed(data, last)
        case "threshold":
            assert condition.threshold is not None, "the model has checked it"
            return _not_reached(condition.threshold, reached(condition.threshold, data.facts))
    return None


def _not_changed(data: DataKept, last: Delivered | None) -> Reason | None:
    """Compare the data with what was last delivered; what is not known counts as a change."""
    if last is None or data.digest is None or last.data.basis != data.basis or last.data.digest != data.digest:
        return None
    return because(ReasonCode.NOT_CHANGED, execution=last.execution_id, due_at=last.due_at)


def _not_reached(threshold: Threshold, found: Reached) -> Reason | None:
    if found.met is None:
        raise _open(threshold, found)
    if found.met:
        return None
    named = {
        "query": threshold.query,
        "column": threshold.column,
        "op": threshold.op,
        "value": str(threshold.value),
        "share": threshold.rows,
    }
    if not found.values:
        return because(ReasonCode.THRESHOLD_NO_VALUES, **named)
    # What was nearest to the threshold. Texts of the data stay out of reasons, which are kept for longer than the data.
    nearest = (threshold.op in (">=", ">")) == (threshold.rows == "any")
    end = found.greatest if nearest else found.least
    if threshold.kind == "text" or threshold.op in ("=", "!=") or end is None:
        return because(ReasonCode.THRESHOLD_NOT_MET, **named)
    return because(ReasonCode.THRESHOLD_NOT_REACHED, extreme="largest" if nearest else "smallest", found=end, **named)


def _open(threshold: Threshold, found: Reached) -> ConditionOpen:
    names = ", ".join(found.names[:_SHOWN]) or "none"
    condition = f"The report is sent only if {threshold_words(threshold)}"
    match found.why:
        case Open.NO_COLUMN:
            return ConditionOpen(
                f"{condition}, but the query '{threshold.query}' has no column '{threshold.column}'. It has: {names}.",
                Open.NO_COLUMN,
                remedy="Name one of these columns in the schedule's condition.",
            )
        case Open.NO_QUERY:
            return ConditionOpen(
                f"{condition}, but the report has no query '{threshold.query}'. It has: {names}.",
                Open.NO_QUERY,
                remedy="Name one of these queries in the schedule's condition.",
            )
        case Open.NOT_COMPARABLE:
            kind = {"number": "a number", "day": "a date", "text": "a text"}[threshold.kind]
            return ConditionOpen(
                f"{condition}, but values of the column cannot be compared with {kind}.",
                Open.NOT_COMPARABLE,
                remedy="Compare with a value of the column's kind, or have the query return one kind of value.",
            )
    return ConditionOpen(
        f"{condition}, but what is kept of the data does not say so.",
        Open.NOT_KEPT,
        remedy="Run the schedule again.",
    )


def asked_by(condition: Condition, definition: ReportDefinition) -> Asked | None:
    """Return what a condition needs to know of the data; None where it needs nothing of its own."""
    if condition.threshold is not None:
        return Asked(query=condition.threshold.query, threshold=condition.threshold)
    if condition.rule not in ("rows", "no_rows") or definition.data_query not in definition.query_names:
        return None
    return Asked(query=definition.data_query)
