"""Decide from kept facts whether a report's data reaches a threshold. Pure.

A value that cannot be compared leaves open what it would have said, so a threshold can be open as well: of `any`, one
value that fulfils it is enough whatever the others are, and of `all`, one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from mailroom.executions.conditions.spec import Operator, Threshold
from mailroom.rendering.facts.compare import NEGATED, holds, limit_of
from mailroom.rendering.facts.model import Answered, ColumnFacts, DataFacts, QueryFacts


class Open(StrEnum):
    """The reasons why a threshold is not decided.

    no_query, no_column: the data has none of that name.
    not_comparable: values of the column are of another kind than the threshold.
    not_kept: the facts that are kept of the data do not say it.
    """

    NO_QUERY = "no_query"
    NO_COLUMN = "no_column"
    NOT_COMPARABLE = "not_comparable"
    NOT_KEPT = "not_kept"


@dataclass(frozen=True, slots=True)
class Reached:
    """Say what became of a threshold.

    Attributes:
        met: whether the data reaches it; None where that is open.
        why: why it is open.
        values: how many values were compared, None where that is not kept.
        least, greatest: among the values of its kind, as texts; None where they are not kept.
        names: the names that there are, where the column or the query is missing.
    """

    met: bool | None
    why: Open | None = None
    values: int | None = None
    least: str | None = None
    greatest: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Comparable:
    """The values of a column that are of the kind of a threshold."""

    count: int
    others: int
    least: Any
    greatest: Any
    distinct: frozenset[Any] | None


def reached(threshold: Threshold, facts: DataFacts) -> Reached:
    """Decide whether the data reaches a threshold."""
    query = facts.queries.get(threshold.query)
    if query is None:
        return Reached(None, Open.NO_QUERY if facts.queries else Open.NOT_KEPT, names=tuple(facts.queries))
    if threshold.column not in query.names:
        return Reached(None, Open.NO_COLUMN, names=query.names)
    column = query.column(threshold.column)
    values = None if column is None else _comparable(threshold, column)
    answered = facts.answered.get(threshold.key)
    ends: dict[str, Any] = {}
    if values is not None and values.count:
        ends = {"least": _words(values.least), "greatest": _words(values.greatest)}
    if answered is not None:
        met = _by_count(threshold, answered)
        why = Open.NOT_COMPARABLE if met is None else None
        return Reached(met, why, values=answered.met + answered.unmet, **ends)
    if values is None:
        return Reached(None, Open.NOT_KEPT) if not _is_empty(query) else Reached(False, values=0)
    met, is_kept = _by_facts(threshold, values)
    why = None if met is not None else Open.NOT_COMPARABLE if is_kept else Open.NOT_KEPT
    return Reached(met, why, values=values.count, **ends)


def covers(threshold: Threshold, facts: DataFacts) -> bool:
    """Tell whether facts decide a threshold as well as another look at the data would."""
    return reached(threshold, facts).why not in (Open.NOT_KEPT, Open.NO_QUERY)


def _is_empty(query: QueryFacts) -> bool:
    return query.rows == 0


def _by_count(threshold: Threshold, answered: Answered) -> bool | None:
    if threshold.rows == "any":
        return True if answered.met else None if answered.others else False
    if answered.unmet:
        return False
    return None if answered.others else answered.met > 0


def _by_facts(threshold: Threshold, values: _Comparable) -> tuple[bool | None, bool]:
    """Return what became of a threshold, and whether the facts are enough to know."""
    if threshold.rows == "any":
        some = _some(threshold.op, values, limit_of(threshold))
        if some is None:
            return None, False
        return (True if some else None if values.others else False), True
    against = _some(NEGATED[threshold.op], values, limit_of(threshold))
    if against is None:
        return None, False
    return (False if against else None if values.others else values.count > 0), True


def _some(op: Operator, values: _Comparable, limit: Any) -> bool | None:
    """Tell whether a value fulfils a comparison; None where that is not kept."""
    if not values.count:
        return False
    match op:
        case "<" | "<=":
            return holds(op, values.least, limit)
        case ">" | ">=":
            return holds(op, values.greatest, limit)
        case "!=":
            return bool(values.least != limit or values.greatest != limit)
    if limit in (values.least, values.greatest):
        return True
    if limit < values.least or limit > values.greatest:
        return False
    return None if values.distinct is None else limit in values.distinct


def _comparable(threshold: Threshold, column: ColumnFacts) -> _Comparable | None:
    """Return the values of a threshold's kind; None where they are not kept."""
    match threshold.kind:
        case "number":
            return _numbers(column)
        case "text":
            return _texts(column)
    return _days(column)


def _total(column: ColumnFacts) -> int:
    return column.numbers + column.texts + column.days + column.others


def _none(column: ColumnFacts) -> _Comparable:
    return _Comparable(0, _total(column), None, None, frozenset())


def _numbers(column: ColumnFacts) -> _Comparable | None:
    if not column.numbers:
        return _none(column)
    if column.number is None:
        return None
    least, greatest = map(Decimal, column.number)
    few = None if column.distinct is None else frozenset(map(Decimal, column.distinct))
    return _Comparable(column.numbers, _total(column) - column.numbers, least, greatest, few)


def _texts(column: ColumnFacts) -> _Comparable | None:
    if not column.texts:
        return _none(column)
    if column.text is None:
        return None
    few = None if column.distinct is None else frozenset(column.distinct)
    return _Comparable(column.texts, _total(column) - column.texts, *column.text, few)


def _days(column: ColumnFacts) -> _Comparable | None:
    """Return dates, points in time and texts that begin with a date."""
    if column.texts and (not column.iso or column.text is None):
        return None  # Some of the texts may be dates.
    found = [end[:10] for pair in (column.day, column.text) if pair for end in pair]
    if not found:
        return _none(column)
    count = column.days + column.texts
    few = None if column.distinct is None else frozenset(one[:10] for one in column.distinct)
    return _Comparable(count, _total(column) - count, min(found), max(found), few)


def _words(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) and value.is_finite() else str(value)
