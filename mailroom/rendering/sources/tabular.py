"""Rows out of CSV and JSON files. CSV is streamed; JSON is read whole, so it may not be large."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mailroom.rendering.document.rows import ColumnType, Kind
from mailroom.rendering.sources.kinds import columns_of
from prefect_mailroom.errors import SourceRefused

BATCH = 2_000
MAX_JSON_BYTES = 64_000_000
# No leading zeros: '007' is a code, not a number.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")


class _FileRows:
    """The common part of both: batches made from an iterator of tuples, and the limit of rows."""

    columns: list[ColumnType]

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: Iterator[tuple[Any, ...]] = iter(())

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield lists of tuples; see `Rows`."""
        read = 0
        while batch := list(islice(self._rows, BATCH)):
            read += len(batch)
            if read > self._limit:
                remedy = "Narrow the report's query, or raise the row limit."
                raise SourceRefused(f"The export gives more than {self._limit:,} rows.", remedy=remedy)
            yield batch

    def close(self) -> None:
        """Free the file; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CsvRows(_FileRows):
    """Rows of a CSV file in UTF-8 with a header; `,`, `;` or TAB between the cells, whichever the header has most.

    A column whose first cells are all numbers has numbers, and texts where a later cell is none. Empty cells are None.
    """

    def __init__(self, file: Path, limit: int) -> None:
        super().__init__(limit)
        self._file = file.open(newline="", encoding="utf-8-sig")
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            first_line = self._file.readline(1_000_000)
        except UnicodeDecodeError as error:
            raise _not_csv("the file is not UTF-8 text") from error
        self._file.seek(0)
        delimiter = max(",;\t", key=first_line.count)
        lines = self._lines(delimiter)
        names = next(lines, None)
        if not names:
            raise _not_csv("the file is empty and has no header")
        head = list(islice(lines, BATCH))
        kinds = [_kind([row[index] for row in head]) for index in range(len(names))]
        self.columns = [ColumnType(name, kind) for name, kind in zip(names, kinds, strict=True)]
        reads = [_READS[kind] for kind in kinds]

        def rows() -> Iterator[tuple[Any, ...]]:
            for source in (head, lines):
                for row in source:
                    yield tuple(read(cell) for read, cell in zip(reads, row, strict=True))

        self._rows = rows()

    def _lines(self, delimiter: str) -> Iterator[list[str]]:
        reader = csv.reader(self._file, delimiter=delimiter, strict=True)
        width: int | None = None
        try:
            for row in reader:
                if not row:
                    continue
                width = len(row) if width is None else width
                if len(row) != width:
                    raise _not_csv(f"line {reader.line_num} has {len(row)} cells, but the header has {width}")
                yield row
        except csv.Error as error:
            raise _not_csv(f"line {reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise _not_csv(f"line {reader.line_num} is not UTF-8 text") from error

    def close(self) -> None:
        """Free the file; may be called twice."""
        self._file.close()


class JsonRows(_FileRows):
    """Rows of an array of objects in a JSON file; values that are arrays or objects become JSON texts."""

    def __init__(self, file: Path, rows_at: str, limit: int) -> None:
        super().__init__(limit)
        if (size := file.stat().st_size) > MAX_JSON_BYTES:
            message = f"The export has {size:,} bytes of JSON; at most {MAX_JSON_BYTES:,} can be read."
            raise SourceRefused(message, remedy="Narrow the report's query, or fetch CSV instead.")
        try:
            data = json.loads(file.read_bytes())
        except (ValueError, RecursionError) as error:
            raise SourceRefused("The server's answer is not JSON.", remedy="Correct the report's path.") from error
        found = _pointed(data, rows_at)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            message = f"There is no array of objects at '{rows_at or '/'}' in the export."
            raise SourceRefused(message, remedy="Set the source's rows_at to its JSON pointer, such as /data/items.")
        names = list(dict.fromkeys(name for row in found for name in row))
        rows = [tuple(_plain(row.get(name)) for name in names) for row in found]
        self.columns = columns_of(names, rows[:BATCH])
        self._rows = iter(rows)


def _not_csv(why: str) -> SourceRefused:
    return SourceRefused(
        f"The export is not the CSV that was expected: {why}.", remedy=("Look at what the server answers.")
    )


def _kind(cells: list[str]) -> Kind:
    filled = [cell for cell in cells if cell]
    if filled and all(_INTEGER.fullmatch(cell) for cell in filled):
        return "integer"
    return "decimal" if filled and all(_DECIMAL.fullmatch(cell) for cell in filled) else "text"


def _integer(cell: str) -> int | str | None:
    if not cell:
        return None
    return int(cell) if _INTEGER.fullmatch(cell) else cell


def _decimal(cell: str) -> float | str | None:
    if not cell:
        return None
    return float(cell) if _DECIMAL.fullmatch(cell) else cell


def _text(cell: str) -> str | None:
    return cell or None


_READS: dict[Kind, Callable[[str], Any]] = {"integer": _integer, "decimal": _decimal, "text": _text}


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _pointed(data: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and key.isdecimal() and int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data
