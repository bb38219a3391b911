"""Read a page as a person with a screen reader would: headings, links, fields with their labels, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

HTML = {"Accept": "text/html"}
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return its text, with single spaces."""
        inner = (one if isinstance(one, str) else one.text for one in self.parts)
        return " ".join(" ".join(inner).split())

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Return every element inside of it with this tag and these attributes; `class_` is one class of several."""
        return [one for one in self._inside() if _fits(one, tag, attributes)]

    def one(self, tag: str = "", **attributes: str) -> Element:
        """Return the only such element."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag} {attributes}>"
        return found[0]

    def _inside(self) -> Iterator[Element]:
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part._inside()

    def fields(self) -> dict[str, str]:
        """Return what a form would send as it stands: the last value of each name."""
        found: dict[str, str] = {}
        for one in self._inside():
            name, kind = one.attributes.get("name", ""), one.attributes.get("type", "")
            if one.tag == "input" and name and (kind not in {"checkbox", "radio"} or "checked" in one.attributes):
                found[name] = one.attributes.get("value", "")
            elif one.tag == "textarea" and name:
                found[name] = "".join(part for part in one.parts if isinstance(part, str)).strip()
            elif one.tag == "select" and name:
                options = one.all("option")
                chosen = [option for option in options if "selected" in option.attributes] or options[:1]
                found[name] = chosen[0].attributes.get("value", "") if chosen else ""
        return found


def _fits(one: Element, tag: str, attributes: Mapping[str, str]) -> bool:
    if tag and one.tag != tag:
        return False
    for name, value in attributes.items():
        if name == "class_":
            if value not in one.attributes.get("class", "").split():
                return False
        elif one.attributes.get(name.replace("_", "-")) != value:
            return False
    return True


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].parts.append(one)
        if tag not in _VOID:
            self._open.append(one)

    def handle_endtag(self, tag: str) -> None:
        names = [one.tag for one in self._open]
        if tag in names[1:]:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self._open[-1].parts.append(data)


def read(answer: httpx.Response) -> Element:
    """Return the page of an answer."""
    assert answer.headers["Content-Type"].startswith("text/html"), answer.text
    reader = _Reader()
    reader.feed(answer.text)
    return reader.root


def data(**fields: object) -> dict[str, str]:
    """Return fields of a form; `_` in a name stands for `-`."""
    return {name.replace("_", "-"): str(value) for name, value in fields.items()}
