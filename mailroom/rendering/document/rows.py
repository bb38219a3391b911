"""Rows on their way from a source to the writers: typed columns, and batches that are read once and forgotten.

`mailroom.rendering.sources.open_reader` gives a `Reader` for a job; the reader gives `Rows` for each query.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol, Self

Kind = Literal["text", "integer", "decimal", "boolean", "date", "datetime", "time", "binary"]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column of a query: its name, and what its values are.

    `kind` is what the source says, or what the first batch shows where the source says nothing. It is a promise about
    most values, not all: SQLite may put a text into an integer column, and each value may be None.
    """

    name: str
    kind: Kind


class Rows(Protocol):
    """The result of one query, streamed. A context manager; `close` frees the cursor and may be called twice."""

    @property
    def columns(self) -> list[ColumnType]:
        """Return the columns, in the order of the tuples."""
        ...

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield lists of some thousand tuples; only the current one is held. Never yields an empty list; read once."""
        ...

    def close(self) -> None:
        """Free what the query holds at the source."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Reader(Protocol):
    """A job's way to its source. A context manager; one at a time reads from one `Rows`.

    Raises, from every method: SourceUnavailable, SourceRefused, ConfigurationError.
    """

    def rows(self, query: str) -> Rows:
        """Run the query with this name."""
        ...

    def close(self) -> None:
        """Leave the source."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
