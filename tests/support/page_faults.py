"""The pages of the application: its routes, and what must not stand in the HTML of any of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from fastapi import FastAPI

from tests.support.routes import Served, served_by

_NO_PAGES = ("/api/", "/static/", "/docs", "/healthz", "/readyz", "/metrics", "/mailroom.css")
_ADDRESSES = frozenset({"href", "src", "action", "formaction", "data", "poster", "hx-get", "hx-post", "xlink:href"})


def page_routes(app: FastAPI) -> list[Served]:
    """Return every method and path of a page, also of those that are added later."""
    return [one for one in served_by(app, "/") if not one.path.startswith(_NO_PAGES) and one.path != "/"]


@dataclass
class SentForm:
    """A form of a page: its attributes, and the names of its fields."""

    attributes: dict[str, str]
    names: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.forms: list[SentForm] = []
        self.words: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._inside = tag
        if tag == "script" and not values.get("src", "").startswith("/static/"):
            self.faults.append(f"a script of {values.get('src') or 'its own'}")
        if tag in {"style", "object", "embed", "base", "applet"}:
            self.faults.append(f"<{tag}>")
        if tag == "iframe" and not values.get("src", "/").startswith("/"):
            self.faults.append(f"a frame of {values['src']}")
        for name, value in values.items():
            if name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f"<{tag} {name}>")
            if name in _ADDRESSES and value.strip().lower().startswith(("javascript:", "data:", "vbscript:", "//")):
                self.faults.append(f"<{tag} {name}={value[:60]}>")
        if tag == "form":
            self.forms.append(SentForm(values))
        elif "name" in values and self.forms and tag in {"input", "select", "textarea", "button"}:
            self.forms[-1].names.append(values["name"])

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and data.strip():
            self.faults.append("text in a script")
        self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def inline_faults(html: str) -> list[str]:
    """Return what runs or looks by itself in a page: no page has any, whatever the names on it are."""
    reader = _Reader()
    reader.feed(html)
    return reader.faults


def forms_of(html: str) -> list[SentForm]:
    """Return the forms of a page."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def words_of(html: str) -> str:
    """Return the words of a page, without its tags."""
    reader = _Reader()
    reader.feed(html)
    return " ".join(reader.words)
