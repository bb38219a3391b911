"""The templates: nothing inline, nothing that escapes the escaping, and parts that fit together."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from api.web.page import FOLDER, TEMPLATES
from api.web.refusals import Words
from tests.unit.api.web.gallery.parts import HOSTILE, gallery, visitor

GALLERY = Path(__file__).parent / "gallery/gallery.html"
INLINE = {
    "an inline style": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "a handler": re.compile(r"\s(?:on[a-z]+|hx-on[a-z:-]*)\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE),
    "a style sheet of its own": re.compile(r"<style\b", re.IGNORECASE),
    "a script in an address": re.compile(r"javascript:|\bjs:", re.IGNORECASE),
    "unescaped text": re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\("),
    "a trigger that needs eval": re.compile(r"hx-trigger=\"[^\"]*\[|hx-vals=\"js"),
}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Elements(HTMLParser):
    """The elements of a page with their attributes, and what is not closed in its order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG that closes itself."""
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Compare an end with the last element that is open."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def values(self, attribute: str) -> list[str]:
        """Return the values of an attribute, wherever it stands."""
        return [given[attribute] for _, given in self.found if attribute in given]


def rendered(**given: Any) -> str:
    """Return the gallery as a page."""
    return TEMPLATES.from_string(GALLERY.read_text(encoding="utf-8")).render(**{**gallery(), **given})


@pytest.mark.parametrize("what", INLINE)
def test_no_template_has(what: str) -> None:
    templates = list(FOLDER.rglob("*.html"))
    assert len(templates) > 12
    found = {str(path.relative_to(FOLDER)): INLINE[what].search(path.read_text(encoding="utf-8")) for path in templates}
    assert {name: match[0] for name, match in found.items() if match} == {}


@pytest.mark.parametrize(
    "sample",
    [
        '<p style="a">',
        "<a onclick='b'>",
        "<script>c</script>",
        "<style>",
        "{{ d|safe }}",
        '<i hx-trigger="click[e]">',
        "javascript:f",
    ],
)
def test_what_is_inline_is_found(sample: str) -> None:
    assert any(pattern.search(sample) for pattern in INLINE.values())


def test_the_page_is_well_formed() -> None:
    page = Elements(rendered())
    assert page.wrong == []
    assert page.open == []


def test_ids_are_unique_and_all_references_lead_somewhere() -> None:
    page = Elements(rendered())
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    named = [name for attribute in ("for", "popovertarget", "aria-labelledby") for name in page.values(attribute)]
    named += [name for value in page.values("aria-describedby") for name in value.split()]
    named += [href.removeprefix("#") for href in page.values("href") if href.startswith("#")]
    assert set(named) - set(ids) == set()


def test_text_of_users_stays_text() -> None:
    html = rendered()
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert [given for tag, given in Elements(html).found if tag == "script" and "src" not in given] == []


def test_each_form_that_posts_carries_the_token() -> None:
    page = Elements(rendered())
    posts = [given for tag, given in page.found if tag == "form" and given.get("method") == "post"]
    tokens = [given for tag, given in page.found if tag == "input" and given.get("name") == "csrf_token"]
    assert len(posts) > 5
    assert len(tokens) == len(posts)


def test_a_fault_is_told_at_its_field() -> None:
    page = Elements(rendered())
    time = next(given for tag, given in page.found if given.get("id") == "at" and tag == "input")
    assert time["aria-invalid"] == "true"
    assert time["aria-describedby"].split() == ["at-hint", "at-error"]
    summary = next(given for _, given in page.found if given.get("class") == "error-summary")
    assert "data-focus" in summary
    assert "#at" in page.values("href")


def test_a_framed_page_has_no_header_and_only_the_way_out_of_the_frame() -> None:
    page = Elements(rendered(visitor=visitor(framed=True)))
    tags = [tag for tag, _ in page.found]
    assert "main" in tags
    assert "header" not in tags
    assert "Main" not in page.values("aria-label")
    outside = [given for tag, given in page.found if tag == "a" and given.get("target") == "_blank"]
    assert len(outside) == 1
    assert "frame=1" not in outside[0]["href"]


def test_somebody_without_the_right_gets_no_link_to_users() -> None:
    page = Elements(rendered(visitor=visitor(may_any=lambda action: action != "user.list")))
    assert "/audit" in page.values("href")
    assert "/settings/users" not in page.values("href")


def test_an_error_has_a_page_for_strangers_too() -> None:
    template = TEMPLATES.get_template("base/error.html")
    html = template.render(
        visitor=None, title="Not here", notices=(), words=Words("", "<b>", "Look."), error_id="E-7F3K"
    )
    page = Elements(html)
    assert page.wrong == page.open == []
    assert "&lt;b&gt;" in html
    assert "E-7F3K" in page.values("data-copy")


def test_the_current_section_is_marked() -> None:
    page = Elements(rendered())
    assert next(given for _, given in page.found if given.get("href") == "/schedules")["aria-current"] == "page"
    assert "aria-current" not in next(given for _, given in page.found if given.get("href") == "/executions")
