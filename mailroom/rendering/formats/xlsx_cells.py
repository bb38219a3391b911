"""Convert values to what an Excel cell can hold.

Excel keeps 15 digits of a number, 32,767 characters of a text, and no date before March 1900 that other programs would
read alike. Numbers with more digits and earlier dates become texts; a longer text is cut, with a mark that says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.rendering.document import values
from mailroom.rendering.document.model import Document
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats.columns import Batch, by_column
from mailroom.reports.errors import RenderFailed
from mailroom.reports.spec import Column

MAX_TEXT = 32_767
MAX_ROWS = 1_048_575
"""Data rows of a sheet: Excel's 1,048,576 less the header."""
MAX_INTEGER = 10**15
FIRST_DAY = date(1900, 3, 1)
_NONE = type(None)


class Cells:
    """Fits the rows of one sheet to Excel. `cut` counts the texts that had to be cut.

    Args:
        columns: the query's columns.
        shown: the columns of the sheet, in order; each must be in the query.
        zone: the zone in which aware moments are shown; Excel has no zones.
    """

    def __init__(self, columns: list[ColumnType], shown: list[Column], zone: ZoneInfo) -> None:
        places = {column.name: at for at, column in enumerate(columns)}
        if missing := [column.name for column in shown if column.name not in places]:
            raise RenderFailed(
                f"The query has no column '{missing[0]}'.", remedy=f"Its columns are: {', '.join(places)}."
            )
        self._spots = [places[column.name] for column in shown]
        self._whole = self._spots == list(range(len(columns)))
        self._moments = [column.format if column.format in ("date", "datetime") else None for column in shown]
        self._zone = zone
        self.kinds = [columns[at].kind for at in self._spots]
        self.formats = [values.excel_format(column, kind) for column, kind in zip(shown, self.kinds, strict=True)]
        self.titles = _unique([column.title for column in shown])
        self.cut = 0

    def fit(self, batch: Batch) -> Batch:
        """Return the sheet's rows: only str, int, float, bool, date, naive datetime and None are left in them."""
        if not self._whole:
            batch = [tuple([row[at] for at in self._spots]) for row in batch]
        return by_column(batch, self._column)

    def widths(self, batch: Batch) -> list[float]:
        """Return widths in characters that suit the heads and these rows, between 8 and 60."""
        wide = {"date": 12, "datetime": 18}
        found = []
        columns: list[tuple[Any, ...]] = list(zip(*batch, strict=True)) or [()] * len(self.titles)
        for title, kind, cells in zip(self.titles, self.kinds, columns, strict=True):
            longest = max((len(str(cell)) for cell in cells if not isinstance(cell, float | date)), default=0)
            numbers = 12 if any(isinstance(cell, float) for cell in cells) else 0
            days = 18 if any(isinstance(cell, date) for cell in cells) else wide.get(kind, 0)
            found.append(float(min(60, max(8, len(title) + 4, longest + 2, numbers, days))))
        return found

    def _column(self, at: int, types: set[type], column: tuple[Any, ...]) -> Iterable[Any] | None:
        moments = self._moments[at]
        if not moments and _is_plain(types, column):
            return None
        return [self._cell(value, moments) for value in column]

    def _cell(self, value: Any, moments: str | None) -> Any:  # noqa: PLR0911 - one line a type
        if moments and (moment := values.as_moment(value)):
            value = moment.date() if moments == "date" and isinstance(moment, datetime) else moment
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value)
            case int():
                return value if abs(value) < MAX_INTEGER else str(value)
            case float():
                return value if math.isfinite(value) else None
            case Decimal():
                return _number(value)
            case datetime():
                local = value.astimezone(self._zone).replace(tzinfo=None) if value.tzinfo else value
                return local if local.date() >= FIRST_DAY else local.isoformat(" ")
            case date():
                return value if value >= FIRST_DAY else value.isoformat()
            case time():
                return (value.hour * 3600 + value.minute * 60 + value.second) / 86_400
        return self._text(str(values.plain_json(value)))

    def _text(self, text: str) -> str:
        if len(text) <= MAX_TEXT:
            return text
        self.cut += 1
        mark = f" [cut: the whole text has {len(text):,} characters, Excel holds {MAX_TEXT:,}]"
        return text[: MAX_TEXT - len(mark)] + mark


def _is_plain(types: set[type], column: tuple[Any, ...]) -> bool:
    if types <= {str, _NONE}:
        return all(len(value) <= MAX_TEXT for value in column if value)
    if types <= {int, float, _NONE}:
        return all(-MAX_INTEGER < value < MAX_INTEGER for value in column if value is not None)
    return types <= {bool, _NONE}


def _number(value: Decimal) -> float | str | None:
    if not value.is_finite():
        return None
    return float(value) if len(value.normalize().as_tuple().digits) <= 15 else f"{value:f}"


def _unique(titles: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for title in titles:
        seen[title] = seen.get(title, 0) + 1
        unique.append(title if seen[title] == 1 else f"{title} ({seen[title]})")
    return unique


def sheet_name(wish: str, taken: Iterable[str]) -> str:
    """Return a name that Excel takes: at most 31 characters, none of []:*?/\\, not yet taken in any case."""
    clean = "".join(" " if letter in "[]:*?/\\" or ord(letter) < 32 else letter for letter in wish)
    clean = " ".join(clean.split()).strip("'")[:31].strip(" '") or "Data"
    lower = {name.lower() for name in taken} | {"history"}
    name, number = clean, 2
    while name.lower() in lower:
        tail = f" ({number})"
        name, number = clean[: 31 - len(tail)] + tail, number + 1
    return name


def about(document: Document) -> list[tuple[str, str]]:
    """Return what the sheet "About" says of the report, as (label, text)."""
    lines = [("Report", document.title), ("Description", document.description), ("Due", document.due)]
    return [(label, text) for label, text in [*lines, *document.facts] if text]


def cut_notice(sheet: str, cut: int) -> str:
    """Return what a reader is told about texts that did not fit."""
    return f"{sheet}: {cut:,} texts were too long for Excel. They were cut and marked."
