"""Parquet by pyarrow (the extra `parquet`): one schema for the whole file, row groups of about 65,000 rows.

Exact decimals are decimal128(38, 10), floats float64, moments microseconds (in UTC where they bear a zone).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from mailroom.rendering.document import values
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats.columns import Batch
from mailroom.reports.errors import RenderFailed
from prefect_mailroom.errors import ConfigurationError

ROW_GROUP = 65_536
_EXACT: dict[str, set[type]] = {"integer": {int, bool, type(None)}, "date": {date, type(None)}}


class ParquetWriter:
    """Writes batches to `path` in row groups; `rows` counts them. The file is whole after `close`.

    Raises:
        ConfigurationError: pyarrow is not installed.
        RenderFailed: a value does not fit its column's type; the column is named.
    """

    def __init__(self, path: Path, columns: list[ColumnType]) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.6 s to import
            import pyarrow.parquet as pq  # noqa: PLC0415 - see above
        except ImportError as error:
            raise ConfigurationError(
                "Parquet needs pyarrow, which is not installed.",
                remedy="Install Mailroom with its extra `parquet`, or leave that format out.",
                field="formats",
            ) from error
        self.rows = 0
        self._pa = pa
        self._pq = pq
        self._path = path
        self._columns = columns
        self._schema: Any = None
        self._writer: Any = None
        self._group: list[Any] = []
        self._waiting = 0

    def write(self, batch: Batch) -> None:
        """Add the rows to the file. The first batch fixes the schema, with the source's own types."""
        table = list(zip(*batch, strict=True))
        if self._schema is None:
            self._start([_type(self._pa, column, cells) for column, cells in zip(self._columns, table, strict=True)])
        arrays = [self._array(at, cells) for at, cells in enumerate(table)]
        self._group.append(self._pa.record_batch(arrays, schema=self._schema))
        self._waiting += len(batch)
        self.rows += len(batch)
        if self._waiting >= ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write the last row group and the footer."""
        if self._schema is None:
            self._start([_type(self._pa, column, ()) for column in self._columns])
        if self._group:
            self._flush()
        self._writer.close()

    def _start(self, types: list[Any]) -> None:
        names = [column.name for column in self._columns]
        self._schema = self._pa.schema(list(zip(names, types, strict=True)))
        self._writer = self._pq.ParquetWriter(self._path, self._schema, compression="zstd")

    def _flush(self) -> None:
        self._writer.write_table(self._pa.Table.from_batches(self._group), row_group_size=ROW_GROUP)
        self._group = []
        self._waiting = 0

    def _array(self, at: int, cells: tuple[Any, ...]) -> Any:
        kind = self._schema.field(at).type
        exact = _EXACT.get(self._columns[at].kind)
        # pyarrow would cut a decimal to an integer, and a moment to its day, unasked.
        if exact and not set(map(type, cells)) <= exact:
            raise self._misfit(at, kind)
        try:
            if self._pa.types.is_string(kind):
                cells = _texts(cells)
            return self._pa.array(cells, kind)
        except (self._pa.ArrowException, OverflowError) as error:
            raise self._misfit(at, kind) from error

    def _misfit(self, at: int, kind: Any) -> RenderFailed:
        return RenderFailed(
            f"A value of the column '{self._columns[at].name}' does not fit its Parquet type {kind}, "
            f"near row {self.rows + 1:,}.",
            remedy="Cast the column to one type in the query.",
        )


def _texts(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    if set(map(type, cells)) <= {str, type(None)}:
        return cells
    return tuple(None if cell is None else str(values.plain_json(cell)) for cell in cells)


def _type(pa: Any, column: ColumnType, cells: tuple[Any, ...]) -> Any:
    first = next((cell for cell in cells if cell is not None), None)
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "decimal": pa.decimal128(38, 10) if isinstance(first, Decimal) else pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us", tz="UTC" if getattr(first, "tzinfo", None) else None),
        "time": pa.time64("us"),
        "binary": pa.binary(),
    }
    return types[column.kind]
