"""Runs each query of a report once: the first rows are kept for the document, all of them flow on to the data files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from mailroom.rendering.document.rows import ColumnType, Reader
from mailroom.reports import text_section
from mailroom.reports.errors import LimitExceeded
from mailroom.reports.spec import ChartSection, Format, ReportDefinition, TableSection, TextSection

Batch = list[tuple[Any, ...]]
DATA_FORMATS = (Format.CSV, Format.JSON, Format.PARQUET)


class Sink(Protocol):
    """Takes batches in order and keeps none of them."""

    def write(self, batch: Batch) -> None:
        """Add the rows to the file."""
        ...


Opener = Callable[[list[ColumnType]], Sink]


@dataclass(slots=True)
class Need:
    """The needs of a report for one query: how many first rows it keeps, and where all rows flow to."""

    keep: int = 0
    all_rows: bool = False
    openers: list[Opener] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a query: its columns, its first rows, and how many there were (None: not counted)."""

    query: str
    columns: list[ColumnType]
    head: Batch
    total: int | None

    def index(self, column: str) -> int | None:
        """Return the position of a column, None if the query has no such column."""
        return next((at for at, known in enumerate(self.columns) if known.name == column), None)

    def value(self, column: str) -> Any:
        """Return the column's value in the first row; None where there is no row."""
        at = self.index(column)
        return self.head[0][at] if self.head and at is not None else None


def needs_of(definition: ReportDefinition, formats: list[Format], known: set[str]) -> dict[str, Need]:
    """Return what the sections and the asked formats want of each query, in the order of their first use."""
    needs: dict[str, Need] = {}
    for section in definition.sections:
        if isinstance(section, TextSection):
            for query in sorted(text_section.queries_in(section.text) & known):
                _raise_keep(needs, query, 1)
            continue
        need = _raise_keep(needs, section.query, 1)
        if isinstance(section, TableSection | ChartSection):
            keep = section.max_rows if isinstance(section, TableSection) else section.max_points
            need.keep = max(need.keep, keep)
            need.all_rows = True
    data = definition.data_query
    if data and any(format_ in formats for format_ in (*DATA_FORMATS, Format.XLSX)):
        needs.setdefault(data, Need()).all_rows = True
    return needs


def _raise_keep(needs: dict[str, Need], query: str, keep: int) -> Need:
    need = needs.setdefault(query, Need())
    need.keep = max(need.keep, keep)
    return need


def read(reader: Reader, query: str, need: Need, *, max_rows: int, count: Callable[[int], None]) -> Answer:
    """Run the query once, for all who need it.

    Args:
        count: takes the number of rows of each batch as it passes.

    Raises:
        LimitExceeded: it has more than `max_rows` rows.
        SourceUnavailable, SourceRefused: from the source.
    """
    with reader.rows(query) as rows:
        sinks = [opener(rows.columns) for opener in need.openers]
        flow = _Flow(rows.batches(), need, sinks, max_rows, count)
        flow.run()
        return Answer(query, rows.columns, flow.head, flow.total if flow.ended else None)


class _Flow:
    """The batches of a query, handed to the sinks as they pass."""

    def __init__(
        self, batches: Iterator[Batch], need: Need, sinks: list[Sink], max_rows: int, count: Callable[[int], None]
    ) -> None:
        self._batches = batches
        self._need = need
        self._sinks = sinks
        self._max_rows = max_rows
        self._count = count
        self.head: Batch = []
        self.total = 0
        self.ended = False

    def run(self) -> None:
        """Read the batches to the end, or until nobody needs more."""
        for batch in self._batches:
            self.total += len(batch)
            if self.total > self._max_rows:
                raise LimitExceeded(
                    f"The query returns more than {self._max_rows:,} rows.",
                    limit="rows",
                    remedy="Narrow its parameters, or raise the row limit.",
                )
            if len(self.head) < self._need.keep:
                self.head += batch[: self._need.keep - len(self.head)]
            for sink in self._sinks:
                sink.write(batch)
            self._count(len(batch))
            if not self._need.all_rows and len(self.head) >= self._need.keep:
                return
        self.ended = True
