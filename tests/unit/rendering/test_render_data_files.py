"""CSV, JSON, XLSX and Parquet, read back by other libraries than those that wrote them where there is one."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.formats import xlsx_cells
from mailroom.rendering.formats.csv import CsvWriter, defused
from mailroom.rendering.formats.json import JsonWriter
from mailroom.rendering.formats.xlsx_cells import MAX_TEXT, sheet_name
from mailroom.rendering.job import Limits, RenderJob, RenderResult
from mailroom.reports.errors import LimitExceeded, RenderFailed

TABLE = [{"kind": "table", "query": "rows", "heading": "Delays"}]
UID = UUID("12345678-1234-5678-1234-567812345678")
ALL_TYPES: dict[str, Any] = {
    "text": ("text", ["=1+1", None, "naïve – ✓", ""]),
    "whole": ("integer", [1, -5, None, 10**17]),
    "exact": ("decimal", [Decimal("0.10"), Decimal("-1234567890123.4567"), None, Decimal(2)]),
    "float": ("decimal", [0.5, math.nan, math.inf, None]),
    "flag": ("boolean", [True, False, None, True]),
    "day": ("date", [date(2013, 3, 1), date(1850, 1, 1), None, date(2024, 2, 29)]),
    "moment": ("datetime", [datetime(2013, 3, 1, 5, 30), None, datetime(2013, 3, 1, 5, 30, 15), None]),
    "zoned": ("datetime", [datetime(2013, 3, 1, 12, tzinfo=UTC), None, None, None]),
    "clock": ("time", [time(6, 0), None, None, None]),
    "blob": ("binary", [b"\x00\xff", None, None, None]),
    "uid": ("text", [UID, None, None, None]),
}
Make = Callable[..., Any]


def render(render_rows: Make, reader_of: Make, job: RenderJob, rows: dict[str, Any]) -> tuple[RenderResult, Path]:
    result = render_rows(job, reader_of(rows=rows))
    return result, result.files[0].path


def test_csv_holds_every_type_and_opens_in_excel(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    result, path = render(render_rows, reader_of, job_of(TABLE, ["csv"]), ALL_TYPES)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[0] == list(ALL_TYPES)
    assert rows[1] == [
        "'=1+1", "1", "0.10", "0.5", "true", "2013-03-01", "2013-03-01T05:30:00", "2013-03-01T12:00:00+00:00",
        "06:00:00", "AP8=", str(UID),
    ]  # fmt: skip
    assert rows[2][:3] == ["", "-5", "-1234567890123.4567"]
    assert len(rows) == 5
    assert result.files[0].rows == result.rows == 4


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A", "=", "-"],
)
def test_security_18_a_text_that_is_a_formula_is_defused_in_csv(text: str, tmp_path: Path) -> None:
    writer = CsvWriter(tmp_path / "a.csv", [ColumnType("=evil()", "text"), ColumnType("n", "integer")])
    writer.write([("fine", 1), (text, 2)])
    writer.write([("fine", 3), (None, text)])  # SQLite may put a text into a column of integers.
    writer.close()
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["'=evil()", "n"],
            ["fine", "1"],
            [f"'{text}", "2"],
            ["fine", "3"],
            ["", f"'{text}"],
        ]


@pytest.mark.parametrize("text", ["-5", "+49301234567", "-1,234.50", "-3e5", "-12%", "a=b", "", "'=1"])
def test_numbers_and_harmless_texts_are_left_alone(text: str) -> None:
    assert defused(text) == text


@given(st.text(max_size=20))
def test_security_18_no_text_starts_a_formula_after_defusing(text: str) -> None:
    safe = defused(text)
    assert safe in (text, f"'{text}")
    assert not safe or safe[0] not in "=@\t\r\n＝＋－＠"
    if safe[:1] in ("+", "-"):
        assert safe[1].isdigit()


cells = st.one_of(
    st.none(), st.text(max_size=8), st.integers(), st.booleans(), st.floats(), st.dates(), st.binary(max_size=4),
    st.decimals(allow_nan=False, allow_infinity=False),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.tuples(cells, cells), max_size=7))
def test_json_is_json_whatever_the_values(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, Any]]
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    writer = JsonWriter(path, [ColumnType("a", "text"), ColumnType("b", "text")])
    for at in range(0, len(rows), 2):
        writer.write(rows[at : at + 2])
    writer.close()

    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert len(found) == len(rows)
    for item, row in zip(found, rows, strict=True):
        for value, cell in zip(item.values(), row, strict=True):
            if type(cell) in (str, int, bool):
                assert value == cell
            elif isinstance(cell, Decimal):
                assert Decimal(value) == cell


def test_json_keeps_decimals_as_text_and_has_no_nan(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    _, path = render(render_rows, reader_of, job_of(TABLE, ["json"]), ALL_TYPES)
    rows = json.loads(path.read_text())
    assert rows[0]["exact"] == "0.10"
    assert [row["float"] for row in rows] == [0.5, None, None, None]
    assert rows[3]["whole"] == 10**17
    assert rows[0]["zoned"] == "2013-03-01T12:00:00+00:00"


def sheets_of(path: Path) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}


def test_xlsx_has_typed_cells(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    _, path = render(render_rows, reader_of, job_of(TABLE, ["xlsx"]), ALL_TYPES)
    sheet = openpyxl.load_workbook(path)["Delays"]
    first = {cell.value: sheet.cell(2, at) for at, cell in enumerate(sheet[1], 1)}
    assert (first["Text"].data_type, first["Text"].value) == ("s", "=1+1")
    assert first["Whole"].value == 1
    assert first["Exact"].value == 0.1
    assert first["Flag"].value is True
    assert first["Day"].value == datetime(2013, 3, 1)
    assert first["Moment"].value == datetime(2013, 3, 1, 5, 30)
    assert first["Zoned"].value == datetime(2013, 3, 1, 7)  # 12:00 UTC in New York.
    assert first["Clock"].value == time(6, 0)
    assert first["Uid"].value == str(UID)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:K5"
    # What Excel cannot hold as a number is a text, with all its digits.
    assert [sheet.cell(row, 2).value for row in (3, 5)] == [-5, str(10**17)]
    assert sheet.cell(3, 3).value == "-1234567890123.4567"
    assert [sheet.cell(row, 4).value for row in (3, 4)] == [None, None]
    assert sheet.cell(3, 6).value == "1850-01-01"


def test_xlsx_turns_iso_text_into_dates_where_the_report_says_so(
    render_rows: Make, reader_of: Make, job_of: Make
) -> None:
    columns = [{"name": "day", "format": "date"}, {"name": "fare", "label": "Fare", "format": "money"}]
    job = job_of([{**TABLE[0], "columns": columns}], ["xlsx"])
    rows = {"fare": ("decimal", [1.5, 2.5]), "day": ("text", ["2013-03-01", "unknown"])}
    _, path = render(render_rows, reader_of, job, rows)
    sheet = openpyxl.load_workbook(path)["Delays"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["Day", "Fare"], [datetime(2013, 3, 1), 1.5], ["unknown", 2.5],
    ]  # fmt: skip
    assert sheet["B2"].number_format == '"€"#,##0.00'


def test_xlsx_tells_about_itself(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    job = job_of(TABLE, ["xlsx"], parameters={"from": "2013-03-01", "to": "2013-03-31"}, data_window="from..to")
    _, path = render(render_rows, reader_of, job, {"a": ("integer", [1, 2])})
    assert sheets_of(path)["About"] == [
        ["Report", "Carrier punctuality"],
        ["Due", "Mon 1 Apr 2013, 09:00 (America/New_York)"],
        ["Period", "1 Mar 2013 \u2013 31 Mar 2013"],
        ["Rows", "2"],
    ]


def test_xlsx_goes_on_in_a_second_sheet(
    render_rows: Make, reader_of: Make, job_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailroom.rendering.formats.xlsx.MAX_ROWS", 4)
    job = job_of(TABLE, ["xlsx", "csv"])
    result, path = render(render_rows, reader_of, job, {"n": ("integer", list(range(10)))})
    sheets = sheets_of(path)
    assert list(sheets) == ["Delays", "Delays (2)", "Delays (3)", "About"]
    assert [row[0] for sheet in list(sheets.values())[:3] for row in sheet[1:]] == list(range(10))
    assert sheets["Delays (3)"][0] == ["N"]
    assert "Delays: 10 rows, split over 3 sheets." in result.notices
    assert [file.rows for file in result.files] == [10, 10]


def test_a_text_too_long_for_excel_is_cut_with_a_mark(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    result, path = render(render_rows, reader_of, job_of(TABLE, ["xlsx"]), {"a": ("text", ["x" * 40_000, "ok"])})
    cell = sheets_of(path)["Delays"][1][0]
    assert len(cell) == MAX_TEXT
    assert cell.endswith("[cut: the whole text has 40,000 characters, Excel holds 32,767]")
    assert any("were cut" in notice for notice in result.notices)


def test_an_xlsx_sheet_is_ready_to_be_read(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    """Its head stays in view, its columns can be filtered, a text is a text and a time looks like one."""
    _, path = render(render_rows, reader_of, job_of(TABLE, ["xlsx"]), ALL_TYPES)
    sheet = openpyxl.load_workbook(path)["Delays"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet["A2"].data_type) == ("A2", "A1:K5", "s")
    assert sheet["G2"].number_format == "d mmm yyyy hh:mm"


def test_xlsx_has_a_sheet_a_table(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    job = job_of([*TABLE, {"kind": "table", "query": "totals", "heading": "De/lays"}], ["xlsx"])
    reader = reader_of(rows={"a": ("integer", [1])}, totals={"b": ("integer", [])})
    result = render_rows(job, reader)
    assert sheets_of(result.files[0].path) == {
        "Delays": [["A"], [1]],
        "De lays": [["B"], ["No rows for this period."]],
        "About": sheets_of(result.files[0].path)["About"],
    }


@given(st.text(), st.lists(st.text()))
def test_sheet_names_are_what_excel_takes(wish: str, before: list[str]) -> None:
    taken: list[str] = []
    for name in [*before, wish, wish]:
        taken.append(sheet_name(name, taken))
    assert len({name.lower() for name in taken}) == len(taken)
    for name in taken:
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name == name.strip("'")


def test_parquet_keeps_types(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    rows = {**ALL_TYPES, "exact": ("decimal", [Decimal("0.10"), Decimal("-1234567890123.4567"), None, Decimal(2)])}
    _, path = render(render_rows, reader_of, job_of(TABLE, ["parquet"]), rows)
    table = pyarrow.parquet.read_table(path)
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "text": "string", "whole": "int64", "exact": "decimal128(38, 10)", "float": "double", "flag": "bool",
        "day": "date32[day]", "moment": "timestamp[us]", "zoned": "timestamp[us, tz=UTC]", "clock": "time64[us]",
        "blob": "binary", "uid": "string",
    }  # fmt: skip
    columns = table.to_pydict()
    assert columns["text"] == ["=1+1", None, "naïve – ✓", ""]
    assert columns["exact"][1] == Decimal("-1234567890123.4567")
    assert columns["day"][1] == date(1850, 1, 1)
    assert columns["uid"][0] == str(UID)


@pytest.mark.parametrize("value", ["text", 2**70, Decimal("1.5")])
def test_parquet_refuses_a_value_of_another_type(render_rows: Make, reader_of: Make, job_of: Make, value: Any) -> None:
    job = job_of(TABLE, ["parquet"])
    with pytest.raises(RenderFailed, match="'n' does not fit its Parquet type int64, near row 4") as caught:
        render(render_rows, reader_of, job, {"n": ("integer", [1, 2, 3, value])})
    assert caught.value.section == "query 'rows'"
    assert list(job.folder.iterdir()) == []


@pytest.mark.parametrize("format_", ["csv", "json", "xlsx", "parquet"])
def test_a_file_without_rows_is_still_a_file(render_rows: Make, reader_of: Make, job_of: Make, format_: str) -> None:
    result, path = render(render_rows, reader_of, job_of(TABLE, [format_]), {"n": ("integer", [])})
    assert result.rows == result.files[0].rows == 0
    assert path.stat().st_size > 0
    assert "Delays: No rows for this period." in result.notices


def test_one_pass_makes_all_files(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    reader = reader_of(rows={"n": ("integer", list(range(10)))})
    result = render_rows(job_of(TABLE, ["csv", "json", "xlsx", "parquet", "pdf", "html"]), reader)
    assert reader.asked == ["rows"]
    assert [file.rows for file in result.files] == [10, 10, 10, 10, None, None]
    assert [file.path.name for file in result.files] == [f"punctuality.{file.format}" for file in result.files]


def test_more_rows_than_the_limit_leave_nothing(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    job = job_of(TABLE, ["csv"], limits=Limits(rows=5))
    with pytest.raises(LimitExceeded) as caught:
        render(render_rows, reader_of, job, {"n": ("integer", list(range(6)))})
    assert caught.value.limit == "rows"
    assert "'punctuality', query 'rows'" in str(caught.value)
    assert list(job.folder.iterdir()) == []


def test_the_same_rows_give_the_same_bytes(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    digests = set()
    for _ in range(2):
        result = render_rows(job_of(TABLE, ["xlsx", "pdf", "csv"]), reader_of(rows={"n": ("integer", [1, 2])}))
        digests.add(tuple(file.sha256 for file in result.files))
    assert len(digests) == 1


def test_columns_with_one_title_stay_apart() -> None:
    assert xlsx_cells._unique(["A", "A", "B"]) == ["A", "A (2)", "B"]
