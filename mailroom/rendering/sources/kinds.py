"""Determine the type of a column from its first rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from mailroom.rendering.document.rows import ColumnType, Kind

_KINDS: dict[type, Kind] = {
    bool: "boolean",
    int: "integer",
    float: "decimal",
    Decimal: "decimal",
    str: "text",
    bytes: "binary",
    memoryview: "binary",
    datetime: "datetime",
    date: "date",
    time: "time",
}


def kind_of(values: Sequence[Any]) -> Kind:
    """Return the kind of a column with these values; integers among decimals are decimals, other mixtures are text."""
    kinds = {_KINDS.get(type(value), "text") for value in values if value is not None}
    if len(kinds) == 1:
        return kinds.pop()
    return "decimal" if kinds == {"integer", "decimal"} else "text"


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[ColumnType]:
    """Return the typed columns of a result, from its names and first rows."""
    values = zip(*rows, strict=True) if rows else ([] for _ in names)
    return [ColumnType(name, kind_of(list(column))) for name, column in zip(names, values, strict=True)]
