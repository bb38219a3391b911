"""Gather the facts about a query while its rows stream by, in the memory of a few values.

Almost all of the work is done by C code on whole columns of a batch, as `formats.columns` has it.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from mailroom.executions.conditions.spec import Threshold
from mailroom.rendering.document import values
from mailroom.rendering.document.answers import Answer, Batch, Need
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.facts import compare
from mailroom.rendering.facts.columns import ColumnSum
from mailroom.rendering.facts.model import Answered, Asked, DataFacts, QueryFacts

MOST_COLUMNS = 60
"""The facts of this many columns of a rendering are kept."""
MOST_CELLS = 2_000_000
"""No facts of columns are kept of a query with more values than this: a threshold then makes a rendering of its own."""


class Gathering:
    """Gathers the facts about all queries of a job.

    Args:
        asked: what a condition needs besides; its query is read for it.
        zone: the schedule's, which says on which day a point in time is.
    """

    def __init__(self, needs: dict[str, Need], asked: Asked | None, zone: ZoneInfo) -> None:
        self._queries: dict[str, QueryGatherer] = {}
        self._room, self._zone = MOST_COLUMNS, zone
        self._threshold = asked.threshold if asked else None
        if asked is not None:
            need = needs.setdefault(asked.query, Need())
            need.all_rows = need.all_rows or asked.threshold is not None
            need.keep = max(need.keep, 1)
        for name, need in needs.items():
            need.openers.append(partial(self._open, name, need))

    def _open(self, name: str, need: Need, columns: list[ColumnType]) -> QueryGatherer:
        kept = min(self._room, len(columns)) if need.all_rows else 0
        self._room -= kept
        threshold = self._threshold if need.all_rows and self._threshold and self._threshold.query == name else None
        gatherer = self._queries[name] = QueryGatherer(need, columns, kept, threshold, self._zone)
        return gatherer

    def facts(self, answers: dict[str, Answer]) -> DataFacts:
        """Return the facts, once every query has been read."""
        answered = {
            gatherer.threshold.key: gatherer.answered()
            for gatherer in self._queries.values()
            if gatherer.threshold is not None and gatherer.has_column
        }
        queries = {
            name: gatherer.facts(ended=answers[name].total is not None) for name, gatherer in self._queries.items()
        }
        return DataFacts(queries=queries, answered=answered)


class QueryGatherer:
    """Takes the batches of one query, as a writer does."""

    def __init__(
        self, need: Need, columns: list[ColumnType], kept: int, threshold: Threshold | None, zone: ZoneInfo
    ) -> None:
        self.rows = 0
        self.threshold, self._zone = threshold, zone
        self._need, self._names = need, [column.name for column in columns]
        self._hash = hashlib.sha256(orjson.dumps(self._names))
        self._head: str | None = None
        self._columns: list[ColumnSum] | None = [ColumnSum(name, zone) for name in self._names[:kept]]
        self._met = {True: 0, False: 0, None: 0}
        self._at = self._names.index(threshold.column) if threshold and threshold.column in self._names else None

    @property
    def has_column(self) -> bool:
        """Return whether the query has the column of the threshold."""
        return self._at is not None

    def write(self, batch: Batch) -> None:
        """Take the next rows; of a query that is not read to its end, no more than the report keeps."""
        keep = self._need.keep
        if not self._need.all_rows:
            batch = batch[: max(0, keep - self.rows)]
        if self._head is None and self.rows + len(batch) >= keep:
            first, batch_left = batch[: keep - self.rows], batch[keep - self.rows :]
            self._digest(first)
            self._head = self._hash.hexdigest()
            self._digest(batch_left)
        else:
            self._digest(batch)
        self.rows += len(batch)
        if self._need.all_rows:
            self._sum(batch)

    def facts(self, *, ended: bool) -> QueryFacts:
        """Return what is known of the query; `ended` says that it was read to its end."""
        digest = self._hash.hexdigest()
        whole = self._need.all_rows and ended
        return QueryFacts(
            rows=self.rows,
            whole=digest if whole else None,
            head=self._head or digest,
            names=tuple(self._names),
            columns=tuple(one.facts() for one in self._columns or ()) if whole else (),
        )

    def answered(self) -> Answered:
        """Return what became of the threshold."""
        return Answered(met=self._met[True], unmet=self._met[False], others=self._met[None])

    def _sum(self, batch: Batch) -> None:
        if self._columns is not None and self.rows * len(self._names) > MOST_CELLS:
            self._columns = None
        if self._columns:
            for column, found in zip(self._columns, zip(*batch, strict=True), strict=False):
                column.add(found)
        if self._at is not None and self.threshold is not None:
            at, zone, threshold = self._at, self._zone, self.threshold
            for row in batch:
                if not compare.is_empty(row[at]):
                    self._met[compare.meets(threshold, row[at], zone)] += 1

    def _digest(self, rows: Batch) -> None:
        """Add rows to the digest, which is the same however they come in batches."""
        if not rows:
            return
        try:
            self._hash.update(orjson.dumps(rows, values.plain_json)[1:-1] + b",")
        except TypeError:  # Something that orjson does not write, such as an integer beyond 64 bits.
            for row in rows:
                self._hash.update(_written(row) + b",")


def _written(row: tuple[Any, ...]) -> bytes:
    try:
        return orjson.dumps(row, values.plain_json)
    except TypeError:
        return repr(row).encode("utf-8", "surrogatepass")
