"""XLSX by XlsxWriter with constant memory: typed cells, a frozen header with filters, a sheet that tells about it all.

A sheet a table; rows beyond what a sheet holds go on in a further sheet. A text that starts with `=` stays a text.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.rendering.document.model import NO_ROWS, Document
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats.columns import Batch
from mailroom.rendering.formats.xlsx_cells import MAX_ROWS, Cells, about, cut_notice, sheet_name
from mailroom.reports.spec import Column

HEAD_STYLE = {"bold": True, "bg_color": "#E8EEF5", "bottom": 1, "bottom_color": "#9FB3C8", "valign": "vcenter"}
_EPOCH = date(1899, 12, 30).toordinal()


class Workbook:
    """An XLSX file. `sheet` gives a sink for one query's rows; `close` makes the file whole.

    Args:
        path: the file; its folder also holds the spool files while it is written.
        zone: the zone in which aware moments are shown.
        created: the time in the file's properties, so that the same data gives the same bytes.
    """

    def __init__(self, path: Path, zone: ZoneInfo, created: datetime) -> None:
        import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415 - ships no types; 0.2 s, only where needed

        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": str(path.parent),
        }
        self.book = xlsxwriter.Workbook(str(path), options)
        self.book.set_properties({"created": created.replace(tzinfo=None)})
        self.zone = zone
        self.names: list[str] = []
        self.sheets: list[Sheet] = []
        self.head = self.book.add_format(HEAD_STYLE)
        self.date = self.book.add_format({"num_format": "d mmm yyyy"})
        self.datetime = self.book.add_format({"num_format": "d mmm yyyy hh:mm"})

    def sheet(self, name: str, columns: list[ColumnType], shown: list[Column]) -> Sheet:
        """Return a sheet for rows of these columns, of which `shown` are written."""
        sheet = Sheet(self, name, Cells(columns, shown, self.zone))
        self.sheets.append(sheet)
        return sheet

    def add(self, wish: str) -> Any:
        """Return a new, empty worksheet whose name is `wish` or close to it."""
        name = sheet_name(wish, self.names)
        self.names.append(name)
        return self.book.add_worksheet(name)

    def close(self, document: Document) -> None:
        """Add the sheet "About" and write the file."""
        for sheet in self.sheets:
            sheet.finish()
        worksheet = self.add("About")
        worksheet.set_column(0, 0, 18, self.book.add_format({"bold": True, "valign": "top"}))
        worksheet.set_column(1, 1, 90, self.book.add_format({"text_wrap": True, "valign": "top"}))
        rows = [("Rows", f"{sum(sheet.rows for sheet in self.sheets):,}")]
        notes = [("Note", notice) for notice in self.notices()]
        for row, (label, text) in enumerate([*about(document), *rows, *notes]):
            worksheet.write_string(row, 0, label)
            worksheet.write_string(row, 1, text)
        self.book.close()

    def notices(self) -> list[str]:
        """Return what a reader must know: which sheets go on in another, and which hold cut texts."""
        found = []
        for sheet in self.sheets:
            if sheet.parts > 1:
                found.append(f"{sheet.name}: {sheet.rows:,} rows, split over {sheet.parts} sheets.")
            if sheet.cells.cut:
                found.append(cut_notice(sheet.name, sheet.cells.cut))
        return found


class Sheet:
    """One table of a workbook; a sink. `rows` counts its rows, `parts` the worksheets they fill."""

    def __init__(self, book: Workbook, name: str, cells: Cells) -> None:
        self.name = name
        self.cells = cells
        self.rows = 0
        self.parts = 0
        self._book = book
        self._styles = [book.book.add_format({"num_format": style}) for style in cells.formats]
        self._moments = [kind in ("date", "datetime") for kind in cells.kinds]
        self._widths = cells.widths([])
        self._sheet: Any = None
        self._at = 0
        self._start()

    def write(self, batch: Batch) -> None:
        """Add the rows to the file."""
        rows = self.cells.fit(batch)
        if not self.rows:
            self._widths = self.cells.widths(rows[:1000])
            self._columns()
        self.rows += len(rows)
        while rows:
            room = MAX_ROWS - self._at
            if not room:
                self._end_part()
                self._start()
                continue
            self._write(rows[:room])
            rows = rows[room:]

    def _write(self, rows: Batch) -> None:
        number, text, styles = self._sheet.write_number, self._sheet.write_string, self._styles
        at = self._at
        for row in rows:
            at += 1
            for column, value in enumerate(row):
                kind = type(value)
                if kind is str:
                    text(at, column, value, styles[column])
                elif kind is int or kind is float:
                    number(at, column, value, styles[column])
                elif value is not None:
                    self._other(at, column, value)
        self._at = at

    def _other(self, at: int, column: int, value: bool | date | datetime) -> None:
        if isinstance(value, bool):
            self._sheet.write_boolean(at, column, value)
            return
        style = self._moment_style(column, value)
        self._sheet.write_number(at, column, serial(value), style)

    def _moment_style(self, column: int, value: date) -> Any:
        if "yy" in self.cells.formats[column]:
            return self._styles[column]
        return self._book.datetime if isinstance(value, datetime) else self._book.date

    def _start(self) -> None:
        self._sheet = self._book.add(self.name)
        self._at = 0
        self.parts += 1
        self._columns()
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_row(0, 20)
        for column, title in enumerate(self.cells.titles):
            self._sheet.write_string(0, column, title, self._book.head)

    def _columns(self) -> None:
        for column, (width, style) in enumerate(zip(self._widths, self._styles, strict=True)):
            self._sheet.set_column(column, column, width, style)

    def _end_part(self) -> None:
        if self.cells.titles:
            self._sheet.autofilter(0, 0, max(self._at, 1), len(self.cells.titles) - 1)

    def finish(self) -> None:
        """Set the filters; where there are no rows, write that into the sheet."""
        if not self.rows:
            self._sheet.write_string(1, 0, NO_ROWS)
        self._end_part()


def serial(moment: date) -> float:
    """Return Excel's number for a date or a naive datetime from March 1900 on: days since 30 December 1899."""
    days = moment.toordinal() - _EPOCH
    if isinstance(moment, datetime):
        return days + (moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6) / 86_400
    return float(days)
