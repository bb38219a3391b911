"""The facts about the data of a rendering, as they are kept beside it. Plain data: it crosses a pipe.

Numbers are kept as decimal texts, days as `2026-11-30`. What is not kept is left out, so that a few facts stay small.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from mailroom.executions.conditions.spec import Threshold

Pair = tuple[str, str]
MOST_DISTINCT = 16
"""This many different values of a column are kept; of a column with more, only the least and the greatest."""
MOST_LETTERS = 200
"""A text with more letters than this is not kept."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class ColumnFacts(_Kept):
    """The values of one column: how many of each kind, and the least and the greatest of each.

    Attributes:
        numbers, texts, days: how many values are numbers (booleans as 0 and 1), texts, dates or points in time.
        others: how many values are of another kind, which nothing compares with.
        number, text, day: the least and the greatest; None where there is none, or where a text is too long.
        iso: whether every text begins with a date such as `2026-11-30`, as SQLite keeps dates.
        distinct: every value, where there are few and all are of one kind.
    """

    name: str
    numbers: int = 0
    texts: int = 0
    days: int = 0
    others: int = 0
    number: Pair | None = None
    text: Pair | None = None
    day: Pair | None = None
    iso: bool = False
    distinct: tuple[str, ...] | None = None


class QueryFacts(_Kept):
    """Hold what is known of one query: how many rows were read, their digests, and its columns.

    Attributes:
        rows: how many rows were read.
        whole: the digest of all its rows; None where only the first ones were read.
        head: the digest of the first rows, as many as the report shows of it.
        names: of all columns.
        columns: facts of the first columns, of all rows; empty where not all were read, or where there were too many.
    """

    rows: int
    whole: str | None = None
    head: str | None = None
    names: tuple[str, ...] = ()
    columns: tuple[ColumnFacts, ...] = ()

    def column(self, name: str) -> ColumnFacts | None:
        """Return the facts of a column, None where they are not kept."""
        return next((column for column in self.columns if column.name == name), None)


class Answered(_Kept):
    """Count what a look at all rows said of a threshold: how many values fulfil it, do not, and cannot be compared."""

    met: int = 0
    unmet: int = 0
    others: int = 0


class DataFacts(_Kept):
    """The facts of a rendering: of each query by its name, and of the threshold that was asked, by its key."""

    queries: dict[str, QueryFacts] = {}
    answered: dict[str, Answered] = {}


class Asked(_Kept):
    """Name what a condition asks of a query that its report might not read: a threshold, or whether it has rows."""

    query: str
    threshold: Threshold | None = None

    @property
    def key(self) -> str:
        """Return what tells it from everything else that is asked."""
        return self.threshold.key if self.threshold else self.query


def merged(facts: Sequence[DataFacts]) -> DataFacts:
    """Return the facts of several renderings of one request; of a query that several know, the most is taken."""
    queries: dict[str, QueryFacts] = {}
    answered: dict[str, Answered] = {}
    for one in facts:
        answered = {**one.answered, **answered}
        for name, query in one.queries.items():
            known = queries.get(name)
            if known is None or (known.whole is None and query.whole is not None):
                queries[name] = query
    return DataFacts(queries=queries, answered=answered)
