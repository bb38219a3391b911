"""The simple rules that keep a mail readable: on phones, on dark screens, in Outlook, and below Gmail's cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from prefect_mailroom.channels.base import InlineImage
from prefect_mailroom.channels.email.texts.html_blocks import END, TOP
from tests.unit.blocks.email.conftest import a_parcel, body_of, mail_of

Make = Callable[..., Any]
GMAIL_CUTS_AT = 102 * 1024
FIGURES = {"kind": "key_figures", "query": "totals", "columns": [{"name": name} for name in ("a", "b", "c", "d", "e")]}
CHART = {"kind": "chart", "query": "rows", "chart": "line", "x": {"name": "day"}, "y": [{"name": "n"}]}
TABLE = {"kind": "table", "heading": "Days", "query": "rows"}


class Elements(HTMLParser):
    """Collects each element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def html(render_rows: Make, reader_of: Make, job_of: Make) -> str:
    """Return the HTML of a whole mail with everything in it, and more rows and text than a mail may have."""
    rows = {"day": ("text", ["A day of many words, " * 40] * 90), "n": ("integer", list(range(90)))}
    totals = {name: ("integer", [1_234_567]) for name in "abcde"}
    result = render_rows(job_of([FIGURES, CHART, TABLE], ["csv"]), reader_of(rows=rows, totals=totals))
    assert TOP in result.mail_html
    assert END in result.mail_html
    parcel = a_parcel(
        html=result.mail_html,
        text="Dear readers, " * 500,
        images=tuple(InlineImage(name, "image/png", path.read_bytes()) for name, path in result.mail_images.items()),
        facts={"kind": "correction", "corrects": "2026-02-02T08:00:00+00:00"},
        unsubscribe_url="https://reports.example.com/unsubscribe/0123456789abcdef",
    )
    return body_of(mail_of(parcel), "html")


def test_the_simple_rules_of_html_in_mails_hold(html: str) -> None:
    assert len(html.encode()) < GMAIL_CUTS_AT
    assert not re.search(r"display:\s*(inline-)?(flex|grid)|position:|float:|<script|<link|<form|@import|var\(", html)
    elements = Elements(html).found
    images = [attributes for tag, attributes in elements if tag == "img"]
    assert images
    for image in images:
        assert image.get("alt")
        assert (image.get("width") or "").isdigit()
        assert (image.get("src") or "").startswith("cid:")
    for tag, attributes in elements:
        if tag == "table":
            assert attributes.get("role") == "presentation" or attributes.get("class") == "rows"
            assert (attributes.get("cellpadding"), attributes.get("cellspacing")) == ("0", "0")
        assert not (attributes.get("width") or "").endswith("px")


def test_outlook_gets_tables_of_a_fixed_width(html: str) -> None:
    conditional = re.findall(r"<!--\[if mso\]>(.*?)<!\[endif\]-->", html, re.DOTALL)
    assert sum('width="720"' in piece for piece in conditional) >= 2
    opened, closed = (sum(piece.count(tag) for piece in conditional) for tag in ("<table", "</table>"))
    assert opened == closed > 0
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->")


def test_dark_screens_get_colours_of_their_own(html: str) -> None:
    head = html.partition("</head>")[0]
    assert '<meta name="color-scheme" content="light dark">' in head
    dark = head.partition("prefers-color-scheme: dark")[2]
    assert dark
    # Each colour that stands on an element has its counterpart, by a class or by the element's name.
    for name in (".card", "td.in", ".muted", ".figure", ".mr-ink", ".mr-muted", ".mr-notice", ".mr-link", "h1"):
        assert name in dark, name


def test_nothing_is_left_of_the_marks_for_the_blocks(html: str) -> None:
    assert "mailroom:" not in html
    assert html.index("Dear readers") < html.index("<h1") < html.index("EMEA weekly")
