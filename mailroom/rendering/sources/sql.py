"""Rows from SQLite and PostgreSQL: bound parameters, one statement, streamed at the driver's own speed.

What keeps a query from writing is the database, opened by `prefect_mailroom.sources.engine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from types import TracebackType
from typing import Any, Self

from sqlalchemy import CursorResult, bindparam, text
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.types import Boolean, Date, DateTime, Float, Integer, String, TypeEngine

from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.job import Limits
from mailroom.rendering.sources.kinds import columns_of
from mailroom.reports import sql_lint
from mailroom.reports.parameters import as_date
from mailroom.reports.spec import ReportDefinition, SqlSource
from prefect_mailroom.errors import ConfigurationError, SourceRefused
from prefect_mailroom.sources.engine import Deadline, read_only, translated

# Large enough that a batch's overhead does not show, small enough to stay in the processor's cache.
BATCH = 2_000
_TYPES: dict[str, TypeEngine[Any]] = {
    "integer": Integer(),
    "number": Float(),
    "boolean": Boolean(),
    "date": Date(),
    "date-time": DateTime(timezone=True),
}


class SqlReader:
    """A report's queries on one read-only connection; all of them see the same state of the data."""

    def __init__(
        self,
        definition: ReportDefinition,
        source: SqlSource,
        access: Mapping[str, Any],
        parameters: Mapping[str, Any],
        limits: Limits,
    ) -> None:
        self._queries = source.queries
        self._properties: Mapping[str, Mapping[str, Any]] = definition.parameters.get("properties", {})
        self._parameters = parameters
        self._limit = limits.rows
        self._deadline = Deadline(float(access["statement_timeout"]))
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(read_only(str(access["url"]), self._deadline))
        self._is_sqlite = self._connection.dialect.name == "sqlite"

    def rows(self, query: str) -> SqlRows:
        """Run the query with this name."""
        if query not in self._queries:
            known = ", ".join(self._queries)
            raise ConfigurationError(
                f"The report has no query '{query}'.", remedy=(f"The queries of the report are: {known}.")
            )
        for found in sql_lint.lint_query(query, self._queries[query], list(self._properties)):
            if found.severity == "error":
                raise SourceRefused(f"{found.message} (line {found.line})", remedy=found.remedy)
        statement = self._statement(self._queries[query])
        self._deadline.restart()
        with translated(self._deadline), self._deadline:
            result = self._connection.execute(statement, execution_options={"stream_results": True})
            return SqlRows(query, result, self._deadline, self._limit)

    def _statement(self, sql: str) -> TextClause:
        # SQLAlchemy finds ':name' inside texts and comments too; only what our tokens call a parameter shall be one.
        pieces = [
            f" {token.text} " if token.kind == "parameter" else token.text.replace(":", r"\:")
            for token in sql_lint.tokens(sql.rstrip().rstrip(";"))
        ]
        return text("".join(pieces)).bindparams(*(self._bound(name) for name in sql_lint.parameters_of(sql)))

    def _bound(self, name: str) -> Any:
        prop = self._properties[name]
        value = self._parameters.get(name)
        kinds = prop.get("type", "string")
        kind = kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")
        form = str(prop.get("format", ""))
        if form in ("date", "date-time") and not self._is_sqlite:
            return bindparam(name, as_date(value, form) if value is not None else None, _TYPES[form])
        return bindparam(name, value, _TYPES.get(kind, String()))

    def close(self) -> None:
        """Leave the database."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SqlRows:
    """The rows of one query.

    SQLite's batches come from the driver's cursor as they are, twice as fast as through SQLAlchemy's row objects. A
    server-side cursor is not read past SQLAlchemy: it has the first row in its own buffer already.
    """

    def __init__(self, query: str, result: CursorResult[Any], deadline: Deadline, limit: int) -> None:
        self._query = query
        self._result = result
        self._deadline = deadline
        self._limit = limit
        cursor = result.cursor
        assert cursor is not None
        assert cursor.description is not None
        names = [str(column[0]) for column in cursor.description]
        if result.context.dialect.name == "sqlite":
            self._fetch: Callable[[], list[tuple[Any, ...]]] = lambda: list(cursor.fetchmany(BATCH))
        else:
            result = result.yield_per(BATCH)
            self._fetch = lambda: [tuple(row) for row in result.fetchmany(BATCH)]
        self._first = self._fetch()
        self.columns: list[ColumnType] = columns_of(names, self._first)

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield lists of tuples; see `Rows`."""
        batch, self._first = self._first, []
        for read in count(step=BATCH):
            if not batch:
                return
            if read + len(batch) > self._limit:
                raise SourceRefused(
                    f"The query '{self._query}' returns more than {self._limit:,} rows.",
                    remedy="Narrow its parameters, or raise the row limit.",
                )
            yield batch
            with translated(self._deadline), self._deadline:
                batch = self._fetch()
            if self._deadline.passed:
                raise self._deadline.refusal()

    def close(self) -> None:
        """Free the cursor; may be called twice."""
        self._result.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
