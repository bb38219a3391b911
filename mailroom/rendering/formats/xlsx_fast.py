"""XLSX by rustpy-xlsxwriter (the extra `fast`): about five times as fast, for a report with one table of one sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats.columns import Batch
from mailroom.rendering.formats.xlsx_cells import MAX_ROWS, Cells, TooManyRows, cut_notice, sheet_name
from mailroom.reports.spec import Column
from prefect_mailroom.errors import ConfigurationError


class FastWorkbook:
    """Pulls a query's batches and writes one sheet of them, and one that tells about it.

    Args:
        about: (label, text) pairs for the sheet "About".

    Raises:
        ConfigurationError: rustpy-xlsxwriter is not installed.
        TooManyRows: the query has more than 1,048,575 rows.
    """

    def __init__(
        self, path: Path, zone: ZoneInfo, name: str, shown: list[Column], about: list[tuple[str, str]]
    ) -> None:
        try:
            import rustpy_xlsxwriter  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigurationError(
                "Fast XLSX needs rustpy-xlsxwriter, which is not installed.",
                remedy="Install Mailroom with its extra `fast`, or switch fast XLSX off.",
                field="fast_xlsx",
            ) from error
        self._library: Any = rustpy_xlsxwriter
        self._path = path
        self._zone = zone
        self._name = sheet_name(name, ["About"])
        self._shown = shown
        self._about = about
        self.rows = 0
        self.cut = 0

    def __call__(self, columns: list[ColumnType], batches: Iterator[Batch]) -> None:
        """Write the file from the batches."""
        cells = Cells(columns, self._shown or [Column(name=column.name) for column in columns], self._zone)
        first = cells.fit(next(batches, []))
        flow = self._records(cells, first, batches)
        formats = {
            title: self._library.Format().set_num_format(style)
            for title, style in zip(cells.titles, cells.formats, strict=True)
        }
        head = self._library.Format().set_bold().set_background_color("#E8EEF5").set_border_bottom("thin")
        failure: list[Exception] = []
        try:
            self._library.write_worksheets(
                [(self._name, _watched(flow, failure)), ("About", self._facts())],
                str(self._path),
                freeze_panes={self._name: {"row": 1, "col": 0}},
                column_widths={
                    self._name: dict(zip(cells.titles, cells.widths(first[:1000]), strict=True)),
                    "About": [18.0, 90.0],
                },
                column_formats={self._name: formats},
                header_format={self._name: head, "About": head},
                autofilter={self._name: True},
            )
        except Exception:
            # The library turns what the source or a sink raised into a RuntimeError without a type.
            if failure:
                raise failure[0] from None
            raise
        self.cut = cells.cut

    def notices(self) -> list[str]:
        """What a reader must know."""
        return [cut_notice(self._name, self.cut)] if self.cut else []

    def _records(self, cells: Cells, first: Batch, batches: Iterator[Batch]) -> Iterator[dict[str, Any]]:
        titles, rows = cells.titles, first
        while rows:
            self.rows += len(rows)
            if self.rows > MAX_ROWS:
                raise TooManyRows
            for row in rows:
                yield dict(zip(titles, row, strict=True))
            rows = cells.fit(next(batches, []))

    def _facts(self) -> Iterator[dict[str, Any]]:
        for label, text in [*self._about, ("Rows", f"{self.rows:,}")]:
            yield {"About": label, "This report": text}


def _watched(flow: Iterator[dict[str, Any]], failure: list[Exception]) -> Iterator[dict[str, Any]]:
    try:
        yield from flow
    except Exception as error:
        failure.append(error)
        raise
