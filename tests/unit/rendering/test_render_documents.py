"""The document and what is made from it: PDF, PNG, HTML page, mail, text."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pypdf
import pytest

from mailroom.rendering.document import values
from mailroom.rendering.document.build import change_text, head_of
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.reports.errors import RenderFailed
from mailroom.reports.spec import Column, Format

Make = Callable[..., Any]
NEW_YORK = ZoneInfo("America/New_York")
EVIL = "<script>alert(1)</script>\"'&"
CHART = {
    "kind": "chart", "heading": "By carrier", "query": "rows", "chart": "bar", "x": {"name": "carrier"},
    "y": [{"name": "flights", "format": "integer"}],
}  # fmt: skip
TABLE = {"kind": "table", "heading": "Delays", "query": "rows"}


def rows_of(count: int) -> dict[str, Any]:
    return {"carrier": ("text", [f"carrier-{at}" for at in range(count)]), "flights": ("integer", list(range(count)))}


def pdf_text(result: RenderResult) -> str:
    path = next(file.path for file in result.files if file.format == "pdf")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


def page_text(job: RenderJob) -> str:
    return (job.folder / "punctuality.html").read_text()


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (None, {}, "–"),
        (2013, {}, "2013"),
        (1234567.5, {"format": "integer"}, "1,234,568"),
        (Decimal("1234.25"), {"format": "decimal", "decimals": 2}, "1,234.25"),
        (0.783, {"format": "percent"}, "78.3%"),
        (-1234.5, {"format": "money"}, "-€1,234.50"),
        (1234.5, {"format": "money", "currency": "SEK", "decimals": 0}, "SEK 1,234"),
        (12.64, {"format": "minutes"}, "12.6 min"),
        ("n/a", {"format": "integer"}, "n/a"),
        (float("nan"), {"format": "decimal"}, "–"),
        (0.1 + 0.2, {}, "0.3"),
        (True, {}, "Yes"),
        ("2013-03-01", {"format": "date"}, "1 Mar 2013"),
        ("2013-03-01 05:30:00", {"format": "datetime"}, "1 Mar 2013, 05:30"),
        (datetime(2013, 3, 1, 3, tzinfo=UTC), {"format": "date"}, "28 Feb 2013"),
        (datetime(2013, 3, 1, 3, tzinfo=UTC), {}, "28 Feb 2013, 22:00"),
        (date(2013, 3, 1), {}, "1 Mar 2013"),
        (b"abc", {}, "3 bytes"),
    ],
)
def test_values_as_readers_see_them(value: Any, column: dict[str, Any], text: str) -> None:
    assert values.shown(value, Column(name="a", **column), NEW_YORK) == text


@pytest.mark.parametrize(
    ("value", "earlier", "format_", "words"),
    [
        (1254, 1204, "integer", "+4.2% from 1,204"),
        (90, 100, "integer", "-10.0% from 100"),
        (-50, -100, "integer", "+50.0% from -100"),
        (0.783, 0.761, "percent", "+2.2 points from 76.1%"),
        (5, 0, "integer", "from 0"),
        (5, 5, "integer", "unchanged from 5"),
        (5, None, "integer", ""),
        (None, 5, "integer", ""),
    ],
)
def test_figures_against_earlier_ones(value: Any, earlier: Any, format_: Any, words: str) -> None:
    assert change_text(value, earlier, Column(name="a", format=format_), NEW_YORK) == words


def test_a_report_as_pdf_page_mail_and_text(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    sections = [
        {"kind": "text", "text": "In {{ airport }}, {{ totals.flights }} flights left.\n\nSecond."},
        {
            "kind": "key_figures", "query": "totals", "columns": [{"name": "flights", "format": "integer"}],
            "compare": {"flights": "before"},
        },
        CHART,
        TABLE,
    ]  # fmt: skip
    job = job_of(
        sections,
        ["pdf", "html", "png"],
        parameters={"airport": "JFK", "from": "2013-03-01", "to": "2013-03-31"},
        data_window="from..to",
    )
    totals = {"flights": ("integer", [1254]), "before": ("integer", [1204])}
    result = render_rows(job, reader_of(rows=rows_of(8), totals=totals))
    page = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page_text(job), flags=re.DOTALL)
    mail = re.sub(r"<style>.*?</style>|<[^>]+>", " ", result.mail_html, flags=re.DOTALL)
    for text in (pdf_text(result), page, mail, result.mail_text):
        for words in (
            "Carrier punctuality", "1 Mar 2013 – 31 Mar 2013", "Mon 1 Apr 2013, 09:00 (America/New_York)", "JFK",
            "In JFK, 1,254 flights left.", "1,254", "+4.2% from 1,204", "carrier-7",
        ):  # fmt: skip
            assert words in text, words
    assert "1 / 1" in pdf_text(result)
    assert (job.folder / "punctuality.png").read_bytes().startswith(b"\x89PNG")
    assert result.figures == {"totals": {"flights": 1254, "before": 1204}}
    assert result.mail_images["chart-1"].read_bytes().startswith(b"\x89PNG")
    assert 'src="cid:chart-1"' in result.mail_html
    assert 'alt="Chart of flights by carrier."' in result.mail_html


def test_a_parameter_is_shown_by_the_title_of_its_choice(job_of: Make) -> None:
    carriers = {"type": "string", "title": "Carrier", "oneOf": [{"const": "UA", "title": "United"}, {"const": "AA"}]}
    schema = {"type": "object", "properties": {"carrier": carriers, "least": {"type": "integer", "enum": [1, 2]}}}
    job = job_of([], ["html"])
    for value, shown in (("UA", "United"), ("AA", "AA")):
        definition = job.definition.model_copy(update={"parameters": schema})
        made = job.model_copy(update={"definition": definition, "parameters": {"carrier": value, "least": 2}})
        assert head_of(made).facts == [("Carrier", shown), ("Least", "2")]


def test_the_same_pdf_serves_who_gets_the_xlsx_and_who_does_not(
    render_rows: Make, reader_of: Make, job_of: Make
) -> None:
    job = job_of([{**TABLE, "max_rows": 100}], ["pdf", "xlsx"])
    both = render_rows(job, reader_of(rows=rows_of(150)))
    alone = render_rows(job.model_copy(update={"formats": [Format.PDF]}), reader_of(rows=rows_of(150)))
    assert alone.files[0].sha256 == both.files[0].sha256
    assert (alone.mail_html, alone.mail_text) == (both.mail_html, both.mail_text)


def test_a_capped_table_says_so_everywhere(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    job = job_of([{**TABLE, "max_rows": 100}], ["pdf", "html", "xlsx", "csv"])
    result = render_rows(job, reader_of(rows=rows_of(150)))
    words = "Showing 100 of 150 rows; the full list is in the XLSX and CSV files of this report."
    assert result.notices == [f"Delays: {words}"]
    assert words in page_text(job)
    assert words in pdf_text(result).replace("\n", " ")
    assert "carrier-99" in pdf_text(result)
    assert "carrier-100" not in pdf_text(result)
    assert "Showing 50 of 150 rows; the full list is in the XLSX and CSV files of this report." in result.mail_html
    assert "Showing 20 of 150 rows; the full list is in the XLSX and CSV files of this report." in result.mail_text
    assert result.rows == 150
    pages = pypdf.PdfReader(result.files[0].path).pages
    assert len(pages) > 1
    assert all("Carrier" in page.extract_text() for page in pages)  # The table's head is repeated.


def test_rows_are_counted_even_where_no_file_wants_them(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    job = job_of([{**TABLE, "max_rows": 5}], ["pdf"])
    result = render_rows(job, reader_of(rows=rows_of(12)))
    assert result.notices == ["Delays: Showing 5 of 12 rows."]
    assert result.rows == 12


def test_an_empty_result_is_visible(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    figures = {"kind": "key_figures", "query": "totals", "columns": [{"name": "flights"}]}
    job = job_of([figures, CHART, TABLE], ["pdf", "html", "png"])
    result = render_rows(job, reader_of(rows=rows_of(0), totals={"flights": ("integer", [])}))
    for text in (pdf_text(result), page_text(job), result.mail_html, result.mail_text):
        assert text.count("No rows for this period.") == 3
    assert result.mail_images == {}
    assert result.figures == {}


def test_a_mail_stays_under_what_gmail_shows(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    rows = {f"c{at}": ("text", ["word " * 60] * 60) for at in range(8)}
    result = render_rows(job_of([TABLE], ["csv"]), reader_of(rows=rows))
    assert len(result.mail_html.encode()) <= 100_000
    shown = re.search(r"Showing (\d+) of 60 rows", result.mail_html)
    assert shown
    assert 0 < int(shown[1]) < 50


class Tags(HTMLParser):
    """Collects the tags, attributes and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.mark.parametrize("evil", [EVIL, "<img src=x onerror=alert(1)>", "</style><script>alert(1)</script>"])
def test_security_21_no_value_becomes_markup(render_rows: Make, reader_of: Make, job_of: Make, evil: str) -> None:
    job = job_of(
        [{**CHART, "heading": evil, "alt": evil}, TABLE, {"kind": "text", "text": "{{ name }}"}],
        ["html", "pdf"], title=evil, description=evil, parameters={"name": evil},
    )  # fmt: skip
    rows = {"carrier": ("text", [evil, "#set page(width: 1cm)"]), "flights": ("integer", [1, 2])}
    result = render_rows(job, reader_of(rows=rows))
    for html in (page_text(job), result.mail_html):
        found = Tags()
        found.feed(html)
        assert "script" not in found.tags
        assert not [name for name in found.names if name.startswith("on")]
        assert all(address.startswith(("data:image/svg+xml;base64,", "cid:chart-1")) for address in found.addresses)
    svg = base64.b64decode(re.findall(r"base64,([^\"]+)", page_text(job))[0]).decode()
    assert "<script" not in svg
    assert "#set page(width: 1cm)" in pdf_text(result)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in page_text(job)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ ''.__class__.__mro__ }}", "Getattr"),
        ("{{ name|attr('__class__') }}", "Filter"),
        ("{{ name.upper() }}", "Call"),
        ("{{ 'a' * 50000000 }}", "Mul"),
        ("{{ 2 ** 99999999 }}", "Pow"),
        ("{% for i in range(9) %}{% endfor %}", "For"),
        ("{% include 'page.html' %}", "Include"),
        ("{{ name[0] }}", "Getitem"),
        ("{{ '{0.__class__}'.format(name) }}", "Call"),
        ("{{ name.a.b }}", "Getattr"),
        ("{{ name", "cannot be read"),
    ],
)
def test_security_11_to_13_a_text_section_holds_names_and_nothing_else(
    render_rows: Make, reader_of: Make, job_of: Make, text: str, words: str
) -> None:
    job = job_of([{"kind": "text", "text": text}], ["html"], parameters={"name": "x"})
    with pytest.raises(RenderFailed, match=words) as caught:
        render_rows(job, reader_of())
    assert "{{ parameter }} and {{ query.column }}" in str(caught.value)
    assert "'punctuality'" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"kind": "text", "text": "{{ nobody }}"}, "refers to 'nobody'"),
        ({"kind": "text", "text": "{{ rows.nothing }}"}, "no column 'nothing'"),
        ({**TABLE, "columns": [{"name": "nothing"}]}, "no column 'nothing'"),
        ({**CHART, "x": {"name": "nothing"}}, "no column 'nothing'"),
        ({**CHART, "series": "nothing"}, "no column 'nothing'"),
        ({"kind": "key_figures", "query": "rows", "columns": [{"name": "nothing"}]}, "no column 'nothing'"),
    ],
)
def test_an_unknown_name_is_refused_with_its_place(
    render_rows: Make, reader_of: Make, job_of: Make, section: dict[str, Any], words: str
) -> None:
    job = job_of([section], ["html"])
    with pytest.raises(RenderFailed, match=words) as caught:
        render_rows(job, reader_of(rows=rows_of(2)))
    assert caught.value.report == "punctuality"
    assert caught.value.section.startswith("sections[0] (")
    assert list(job.folder.iterdir()) == []
