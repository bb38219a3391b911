"""CSV: UTF-8 with a byte order mark and CRLF, so that Excel opens it as it is; every other reader takes it too.

The header holds the query's column names. Moments are ISO 8601, booleans `true` and `false`, None is empty. A text
that a spreadsheet would take for a formula is led by an apostrophe; numbers, and texts that are plain numbers, are not.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from mailroom.rendering.document import values
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats.columns import Batch, by_column

FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")  # The last four are the full-width forms.
_NUMBER = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?%?")
_KEEP: set[type] = {int, float, Decimal, type(None)}
_TEXT: set[type] = {str, type(None)}


def defused(text: str) -> str:
    """Return the text, led by an apostrophe if a spreadsheet would run it as a formula."""
    if text and text[0] in FORMULA_STARTS and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


class CsvWriter:
    """Writes batches to `path` as they come; `rows` counts them. The file is whole after `close`."""

    def __init__(self, path: Path, columns: list[ColumnType]) -> None:
        self.rows = 0
        self._file = path.open("w", encoding="utf-8-sig", newline="", buffering=1 << 20)
        self._writer = csv.writer(self._file)
        self._writer.writerow([defused(column.name) for column in columns])

    def write(self, batch: Batch) -> None:
        """Add the rows to the file."""
        self.rows += len(batch)
        self._writer.writerows(by_column(batch, _cells))

    def close(self) -> None:
        """Write out what is buffered."""
        self._file.close()


def _cells(_at: int, types: set[type], column: tuple[Any, ...]) -> Iterable[Any] | None:
    if types <= _KEEP:
        return None
    if types <= _TEXT and FORMULA_STARTS.isdisjoint({value[0] for value in column if value}):
        return None
    return [_cell(value) for value in column]


def _cell(value: Any) -> Any:
    match value:
        case str():
            return defused(value)
        case bool():
            return "true" if value else "false"
        case None | int() | float() | Decimal():
            return value
    return defused(str(values.plain_json(value)))
