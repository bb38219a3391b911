"""Read a page as a browser does: its headings, links, forms and words, by a real parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class ParsedForm:
    """A form: where it goes, its hidden and filled fields, and the words of its buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


@dataclass
class ParsedPage:
    """A page: `words` has the text of every element by its tag, in order, `links` the words of the first link to each
    address.
    """

    html: str
    title: str = ""
    words: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    forms: list[ParsedForm] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return all that is to be read in the body."""
        return " ".join(self.words.get("body", self.words.get("div", [])))

    def form(self, button: str) -> ParsedForm:
        """Return the form with this button; the test fails where there is not exactly one."""
        found = [one for one in self.forms if button in one.buttons]
        assert len(found) == 1, f"{len(found)} forms have the button {button!r}: {[one.buttons for one in self.forms]}"
        return found[0]

    def buttons(self) -> list[str]:
        """Return the words of every button of a form."""
        return [button for one in self.forms for button in one.buttons]


class _Reader(HTMLParser):
    def __init__(self, page: ParsedPage) -> None:
        super().__init__()
        self.page = page
        self.open: list[tuple[str, dict[str, str], list[str]]] = []
        self.form: ParsedForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = ParsedForm(given.get("action", ""), given.get("method", "get"))
            self.page.forms.append(self.form)
        ticked = given.get("type") not in {"checkbox", "radio"} or "checked" in given
        if tag == "input" and self.form is not None and given.get("name") and ticked:
            self.form.fields[given["name"]] = given.get("value", "")
        if tag not in _EMPTY:
            self.open.append((tag, given, []))

    def handle_data(self, data: str) -> None:
        for _, _, words in self.open:
            words.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            name, given, words = self.open.pop()
            self._closed(name, given, " ".join("".join(words).split()))
            if name == tag:
                break
        if tag == "form":
            self.form = None

    def _closed(self, tag: str, given: dict[str, str], words: str) -> None:
        self.page.words.setdefault(tag, []).append(words)
        if tag == "title":
            self.page.title = words
        elif tag == "a" and "href" in given:
            self.page.links.setdefault(given["href"], words)
        elif tag == "button" and self.form is not None:
            self.form.buttons.append(given.get("aria-label", words))


def parsed(html: str) -> ParsedPage:
    """Return a page, or a part of one."""
    page = ParsedPage(html)
    reader = _Reader(page)
    reader.feed(html)
    reader.close()
    return page
