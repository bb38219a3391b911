"""JSON: one array of objects, an object a line, keyed by the query's column names.

Decimals are texts, so that no digit is lost on the way; moments are ISO 8601, bytes base64, NaN and infinity null.
"""

from __future__ import annotations

import json
from pathlib import Path

import orjson

from mailroom.rendering.document import values
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats.columns import Batch

# Moments go through `values.plain_json` too, so that every format writes them alike.
_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME


class JsonWriter:
    """Writes batches to `path` as they come; `rows` counts them. The file is whole after `close`."""

    def __init__(self, path: Path, columns: list[ColumnType]) -> None:
        self.rows = 0
        self._names = [column.name for column in columns]
        self._file = path.open("wb", buffering=1 << 20)
        self._file.write(b"[")

    def write(self, batch: Batch) -> None:
        """Add the rows to the file."""
        names = self._names
        lines = []
        for row in batch:
            item = dict(zip(names, row, strict=True))
            try:
                lines.append(orjson.dumps(item, values.plain_json, _OPTIONS))
            except TypeError:  # An integer beyond 64 bits, which orjson does not write.
                plain = {name: values.plain_json(value) for name, value in item.items()}
                lines.append(json.dumps(plain, ensure_ascii=False).encode() + b"\n")
        if lines:
            self._file.write((b"," if self.rows else b"\n") + b",".join(lines))
        self.rows += len(batch)

    def close(self) -> None:
        """End the array and write out what is buffered."""
        self._file.write(b"]\n")
        self._file.close()
