"""A report's own template: what it is given, and what it may not do. Charts' specifications: nothing from outside."""

from __future__ import annotations

import base64
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mailroom.rendering.document import chart
from mailroom.rendering.formats import sandbox
from mailroom.reports.errors import LimitExceeded, RenderFailed

Make = Callable[..., Any]
ROWS: dict[str, Any] = {"day": ("text", ["2013-03-01", "2013-03-02"]), "n": ("integer", [1, 2])}
TABLE = {"kind": "table", "heading": "Days", "query": "rows"}


def test_an_own_template_replaces_page_and_mail(render_rows: Make, reader_of: Make, job_of: Make) -> None:
    own = (
        "<html><head><style>b { color: red }</style></head><body>"
        "<b>{{ medium }}</b> {{ document.title }} {{ parameters.name }}"
        "{% for row in document.sections[0].cells %}<i>{{ row[0] }}</i>{% endfor %}"
        "{{ picture(document.sections[1]) }}</body></html>"
    )
    line = {"kind": "chart", "query": "rows", "chart": "line", "x": {"name": "day"}, "y": [{"name": "n"}]}
    job = job_of([TABLE, line], ["html"], template=own, parameters={"name": "<b>Ada</b>"})
    result = render_rows(job, reader_of(rows=ROWS))
    page = (job.folder / "punctuality.html").read_text()
    assert "<b>page</b> Carrier punctuality &lt;b&gt;Ada&lt;/b&gt;<i>2013-03-01</i>" in page
    assert "data:image/svg+xml" in page
    assert '<b style="color: red;">mail</b>' in result.mail_html
    assert 'src="cid:chart-1"' in result.mail_html


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ document.__class__.__init__.__globals__ }}",
        "{{ (''|attr('__class__')).__mro__ }}",
        "{{ '{0.__class__}'.format(document) }}",
        "{% set f = '{0.__class__.__init__.__globals__}'.format %}{{ f(document) }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ ['{0.__class__}']|map('format', document)|list }}",
        "{{ '%s' % document.__class__ }}",
        "{{ document.sections.append(1) }}",
        "{{ 'a' * 50000000 }}",
        "{{ 50000000 * 'a' }}",
        "{{ [1] * 50000000 }}",
        "{{ 9 ** 99999999 }}",
        "{{ '%999999999d' % 1 }}",
        "{% for i in range(10000000) %}{% endfor %}",
        "{% include 'page.html' %}",
        "{% extends 'page.html' %}",
        "{% import 'page.html' as x %}",
        "{{ nobody }}",
        "{{ document.nothing }}",
        "{{ 1 / 0 }}",
        "{% for %}",
    ],
)
def test_security_11_to_13_an_own_template_is_kept_in_its_sandbox(
    render_rows: Make, reader_of: Make, job_of: Make, source: str
) -> None:
    job = job_of([TABLE], ["html"], template=source)
    with pytest.raises(RenderFailed, match="own template failed"):
        render_rows(job, reader_of(rows=ROWS))
    assert list(job.folder.iterdir()) == []


def test_security_13_an_own_template_gives_no_endless_page() -> None:
    with pytest.raises(LimitExceeded) as caught:
        sandbox.render_report_template("{% for i in range(90000) %}0123456789{% endfor %}", {}, max_bytes=100_000)
    assert caught.value.limit == "output_mb"


@pytest.mark.parametrize("source", ["{{ 3 * 4 }}", "{{ 'ab' * 6 }}", "{{ 2 ** 10 }}", "{{ 7 % 4 }}"])
def test_the_sandbox_still_reckons(source: str) -> None:
    expected = {"{{ 3 * 4 }}": "12", "{{ 'ab' * 6 }}": "ab" * 6, "{{ 2 ** 10 }}": "1024", "{{ 7 % 4 }}": "3"}
    assert sandbox.render_report_template(source, {}, max_bytes=100) == expected[source]


@pytest.mark.parametrize(
    "spec",
    [
        {"data": {"url": "file:///etc/passwd"}},
        {"layer": [{"data": {"url": "http://169.254.169.254/"}}]},
        {"mark": "image"},
        {"layer": [{"mark": {"type": "image"}}]},
        {"encoding": {"href": {"value": "http://example.com"}}},
        {"transform": [{"lookup": "a", "from": {"data": {"url": "x"}}}]},
    ],
)
def test_a_chart_that_looks_outside_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(RenderFailed, match="outside the report"):
        chart.refuse_outside(spec)


@pytest.mark.parametrize("kind", ["bar", "horizontal_bar", "stacked_bar", "line", "area"])
@pytest.mark.parametrize("split", ["none", "series", "two"])
def test_security_21_every_chart_is_drawn_with_hostile_names(
    render_rows: Make, reader_of: Make, job_of: Make, kind: str, split: str
) -> None:
    names = ["url", "$schema", "a.b[0]", "<b>"]
    rows = {
        names[0]: ("text", ["x", "y", "y"]), names[1]: ("decimal", [1.5, None, 2.0]), names[2]: ("integer", [3, 4, 5]),
        names[3]: ("text", ["A", "B", "</svg><script>"]),
    }  # fmt: skip
    section = {
        "kind": "chart", "query": "rows", "chart": kind, "x": {"name": names[0]},
        "y": [{"name": names[1], "format": "percent"}, *([{"name": names[2]}] if split == "two" else [])],
        "series": names[3] if split == "series" else "",
    }  # fmt: skip
    job = job_of([section], ["html"])
    result = render_rows(job, reader_of(rows=rows))
    assert result.mail_images["chart-1"].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("split", ["series", "two"])
@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"]])
def test_a_stack_stands_in_the_order_of_its_columns(
    render_rows: Make, reader_of: Make, job_of: Make, split: str, names: list[str]
) -> None:
    """Read from the picture: the lower edge of each bar, by its colour."""
    rows = 1 if split == "two" else 2
    columns = {
        "x": ("text", ["q"] * rows),
        "b": ("integer", [3] * rows),
        "a": ("integer", [4] * rows),
        "s": ("text", names[:rows]),
    }
    two = {"y": [{"name": name} for name in names]}
    one = {"y": [{"name": "b"}], "series": "s"}
    section = {"kind": "chart", "query": "rows", "chart": "stacked_bar", "x": {"name": "x"}}
    job = job_of([section | (two if split == "two" else one)], ["html"])
    result = render_rows(job, reader_of(rows=columns))
    page = result.files[0].path.read_text()
    [picture] = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)
    drawn = base64.b64decode(picture).decode()
    bars = re.findall(r'aria-roledescription="bar" d="M[\d.]+,([\d.]+)h[\d.]+v([\d.]+)[^"]*" fill="(#\w+)"', drawn)
    lower_edge = {colour: float(top) + float(height) for top, height, colour in bars}
    first, second = (chart.PALETTE[place] for place in (0, 1))
    assert lower_edge[first] > lower_edge[second], bars


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """An HTTP server on loopback, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"b { color: red }")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


def test_a_mail_fetches_nothing(
    render_rows: Make, reader_of: Make, job_of: Make, server: tuple[str, list[str]], tmp_path: Any
) -> None:
    address, asked = server
    (tmp_path / "secret.css").write_text("b { color: blue }")
    own = (
        f"<html><head><link rel=stylesheet href='{address}/a.css'>"
        f"<link rel=stylesheet href='file://{tmp_path}/secret.css'><link rel=stylesheet href='{tmp_path}/secret.css'>"
        f"<style>@import url('{address}/b.css');</style></head><body><b>x</b><img src='{address}/c.png'></body></html>"
    )
    result = render_rows(job_of([TABLE], ["html", "pdf"], template=own), reader_of(rows=ROWS))
    assert asked == []
    assert "blue" not in result.mail_html
    assert "red" not in result.mail_html


def test_security_08_no_format_fetches_what_a_report_names(
    render_rows: Make, reader_of: Make, job_of: Make, server: tuple[str, list[str]], tmp_path: Any
) -> None:
    """Neither from a host, nor from this machine's files: whatever the template, the texts and the data say."""
    address, asked = server
    secret = tmp_path / "secret.css"
    secret.write_text("b { color: #abcdef } /* canary-file */")
    place = [address, f"file://{secret}", str(secret)]
    hostile = "".join(
        f"<img src='{at}/i.png'><link rel=attachment href='{at}/x'><link rel=stylesheet href='{at}'>"
        f"<style>@import url({at});@font-face{{font-family:x;src:url({at})}}</style><base href='{at}/'>"
        f"<svg><image href='{at}/s.png'/></svg><iframe src='{at}'></iframe><object data='{at}'></object>"
        f'#image("{at}") #read("{at}") #include "{at}" #import "@preview/{at}:1.0.0"'
        for at in place
    )
    columns = {"day": ("text", [hostile, *place]), "n": ("integer", [1, 2, 3, 4])}
    chart = {"kind": "chart", "query": "rows", "chart": "bar", "x": {"name": "day"}, "y": [{"name": "n"}]}
    text = {"kind": "text", "heading": hostile[:200], "text": hostile}
    formats = ["html", "pdf", "png", "xlsx"]
    for number, own in enumerate(
        (None, f"<html><head>{hostile}</head><body><b>x</b>{{{{ document.title }}}}</body></html>")
    ):
        job = job_of([text, TABLE, chart], formats, template=own, title=f"<img src='{address}/t.png'>")
        job = job.model_copy(update={"folder": tmp_path / f"out-{number}"})
        result = render_rows(job, reader_of(rows=columns))
        assert len(result.files) == len(formats)
        assert "#abcdef" not in result.mail_html
        made = b"".join(file.path.read_bytes() for file in result.files) + (result.mail_html or "").encode()
        assert b"canary-file" not in made
    assert asked == []
