"""The files that hold all rows: which query flows into which writer, in one pass for all of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

from mailroom.rendering.document.answers import DATA_FORMATS, Need, Opener, Sink
from mailroom.rendering.document.model import Document
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats.csv import CsvWriter
from mailroom.rendering.formats.json import JsonWriter
from mailroom.rendering.formats.parquet import ParquetWriter
from mailroom.rendering.formats.xlsx import Workbook
from mailroom.rendering.job import RenderJob
from mailroom.rendering.progress import Meter
from mailroom.reports.spec import Column, Format, TableSection
from prefect_mailroom.errors import ConfigurationError

Writer = CsvWriter | JsonWriter | ParquetWriter
WRITERS: dict[Format, type[Writer]] = {
    Format.CSV: CsvWriter,
    Format.JSON: JsonWriter,
    Format.PARQUET: ParquetWriter,
}


class DataFiles:
    """The writers of a job's data files.

    Args:
        path_of: where the file of a format is written.
        meter: is told when each file is begun and whole.

    Raises:
        ConfigurationError: data files are asked for, and the report has no rows; or an extra is not installed.
    """

    def __init__(self, job: RenderJob, needs: dict[str, Need], path_of: Callable[[Format], Path], meter: Meter) -> None:
        self._job, self._meter = job, meter
        self._stack = ExitStack()
        self._counts: list[tuple[Format, Callable[[], int]]] = []
        self._finish: list[Callable[[Document], None]] = []
        self.notices: list[str] = []
        data = job.definition.data_query
        wanted = [format_ for format_ in dict.fromkeys(job.formats) if format_ in (*DATA_FORMATS, Format.XLSX)]
        if wanted and data is None:
            raise ConfigurationError(
                f"The report has no rows to write as {', '.join(wanted)}.",
                remedy="Leave these formats out, or give the report a source with a query.",
                field="formats",
            )
        for format_ in wanted:
            if format_ in WRITERS:
                needs[data or ""].openers.append(self._opener(WRITERS[format_], format_, path_of(format_)))
            else:
                self._xlsx(needs, path_of(format_))

    @property
    def rows(self) -> dict[Format, int]:
        """Return how many rows each file has."""
        return {format_: count() for format_, count in self._counts}

    def finish(self, document: Document) -> None:
        """Make every file whole; the document is for what a file tells about itself."""
        for finish in self._finish:
            finish(document)
        self.close()
        for format_, count in self._counts:
            self._meter.end(format_, count())

    def close(self) -> None:
        """Close every file, whole or not; a second time does nothing."""
        self._stack.close()

    def abandon(self, error: BaseException) -> None:
        """Close what can be closed after `error`, which stays the one to tell about."""
        try:
            self.close()
        except Exception as second:  # A file cut short cannot always be closed; it is deleted anyway.
            error.add_note(f"Closing the files failed too: {type(second).__name__}.")

    def _opener(self, writer: type[Writer], format_: Format, path: Path) -> Opener:
        def open_(columns: list[ColumnType]) -> Sink:
            self._meter.begin(format_)
            sink = writer(path, columns)
            self._stack.callback(sink.close)
            self._counts.append((format_, lambda: sink.rows))
            return sink

        return open_

    def _sheets(self) -> list[tuple[str, str, list[Column]]]:
        """Return (query, name, columns) of each sheet: one for each table section, else the data query."""
        definition = self._job.definition
        tables = [section for section in definition.sections if isinstance(section, TableSection)]
        sheets = [(table.query, table.heading or definition.title, table.columns) for table in tables]
        data = definition.data_query
        if data and data not in [query for query, _, _ in sheets]:
            sheets.append((data, definition.title if not sheets else data.replace("_", " ").capitalize(), []))
        return sheets

    def _xlsx(self, needs: dict[str, Need], path: Path) -> None:
        book = Workbook(path, ZoneInfo(self._job.timezone), self._job.due_at)
        for query, name, shown in self._sheets():
            needs[query].openers.append(self._sheet_opener(book, name, shown))

        def finish(document: Document) -> None:
            book.close(document)
            self.notices += book.notices()

        self._finish.append(finish)
        self._counts.append((Format.XLSX, lambda: sum(sheet.rows for sheet in book.sheets)))

    def _sheet_opener(self, book: Workbook, name: str, shown: list[Column]) -> Opener:
        def open_(columns: list[ColumnType]) -> Sink:
            self._meter.begin(Format.XLSX)
            return book.sheet(name, columns, shown or [Column(name=column.name) for column in columns])

        return open_
