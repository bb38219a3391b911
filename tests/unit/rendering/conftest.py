"""A source whose rows are given by the test, and jobs over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from mailroom.rendering.document.rows import ColumnType, Kind
from mailroom.rendering.job import Limits, RenderJob, RenderResult
from mailroom.rendering.render import render_here
from mailroom.reports.spec import ReportDefinition

MakeReader = Callable[..., "ListReader"]
MakeJob = Callable[..., RenderJob]
Render = Callable[[RenderJob, "ListReader"], RenderResult]


class ListRows:
    """Rows from a list, in batches of three."""

    def __init__(self, columns: list[ColumnType], rows: list[tuple[Any, ...]]) -> None:
        self.columns = columns
        self._rows = rows

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows."""
        for at in range(0, len(self._rows), 3):
            yield self._rows[at : at + 3]

    def close(self) -> None:
        """Nothing to free."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ListReader:
    """A reader of given rows. `asked` holds the queries in the order in which they were run."""

    def __init__(self, queries: dict[str, tuple[list[ColumnType], list[tuple[Any, ...]]]]) -> None:
        self._queries = queries
        self.asked: list[str] = []

    def rows(self, query: str) -> ListRows:
        """Run a query."""
        self.asked.append(query)
        return ListRows(*self._queries[query])

    def close(self) -> None:
        """Nothing to leave."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@pytest.fixture
def reader_of() -> MakeReader:
    """`reader_of(query={"column": ("kind", [values])})`: a reader of these columns."""

    def make(**queries: dict[str, tuple[Kind, list[Any]]]) -> ListReader:
        tables = {}
        for query, columns in queries.items():
            types = [ColumnType(name, kind) for name, (kind, _) in columns.items()]
            tables[query] = (types, list(zip(*(cells for _, cells in columns.values()), strict=True)))
        return ListReader(tables)

    return make


@pytest.fixture
def job_of(tmp_path: Path) -> MakeJob:
    """`job_of(sections, formats, **definition)`: a job due on 1 April 2013, 09:00 in New York, into `tmp_path/out`."""

    def make(
        sections: list[dict[str, Any]],
        formats: list[str],
        *,
        parameters: dict[str, Any] | None = None,
        limits: Limits | None = None,
        queries: tuple[str, ...] = ("rows", "totals"),
        **definition: Any,
    ) -> RenderJob:
        fields: dict[str, Any] = {
            "id": "punctuality",
            "title": "Carrier punctuality",
            "source": {"kind": "sql", "connection": "nyc", "queries": dict.fromkeys(queries, "select 1")},
            "sections": sections,
            "formats": formats or ["csv"],
            **definition,
        }
        return RenderJob.model_validate(
            {
                "definition": ReportDefinition.model_validate(fields),
                "parameters": parameters or {},
                "formats": formats,
                "due_at": datetime(2013, 4, 1, 13, tzinfo=UTC),
                "timezone": "America/New_York",
                "access": {},
                "folder": tmp_path / "out",
                "limits": limits or Limits(),
            }
        )

    return make


@pytest.fixture
def render_rows(monkeypatch: pytest.MonkeyPatch) -> Render:
    """`render_rows(job, reader)`: `render_here`, with this reader in place of a database's."""

    def run(job: RenderJob, reader: ListReader) -> RenderResult:
        monkeypatch.setattr("mailroom.rendering.render.open_reader", lambda *_: reader)
        return render_here(job)

    return run
