"""Reduce a report's HTML to what the oldest mail program shows: headings, paragraphs, plain tables; no styles. Pure."""

from __future__ import annotations

import functools
import re
from html import escape
from html.parser import HTMLParser

_KEPT = {"h1", "h2", "h3", "h4", "p", "strong", "b", "em", "i", "ul", "ol", "li", "table", "tr", "th", "td", "a"}
_GROUPS = {"thead", "tbody", "tfoot"}
_HIDDEN = {"head", "style", "script", "title", "noscript", "template"}
_EMPTY = {"br", "img", "hr", "meta", "link", "col", "input", "wbr"}
_TABLE = '<table border="1" cellpadding="4" cellspacing="0">'


@functools.lru_cache(maxsize=8)
def light(body: str, *, whole: bool = True) -> str:
    """Return the HTML without styles, pictures and tables that are only layout. A picture leaves nothing behind.

    Args:
        whole: whether it is a document of its own, or a piece of one.
    """
    reader = _Reader()
    reader.feed(body)
    reader.close()
    text = re.sub(r"(<br>\s*)+(?=<(?:h[1-4]|p|ul|ol|table|/td|/th)\b)|^(<br>\s*)+", "", "".join(reader.out))
    text = re.sub(r"(?:<br>\s*){3,}", "<br><br>", text)
    if not whole:
        return text
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Report</title></head>\n<body>\n'
    return f"{head}{text}\n</body></html>\n"


class _Reader(HTMLParser):
    """Reads HTML tag by tag, and collects in `out` what is kept of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._hidden = 0
        self._tables: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._hidden or self._hides(tag, given):
            self._hidden += tag not in _EMPTY
            return
        if tag == "table":
            self._tables.append(given.get("role") != "presentation")
        if tag == "br" or (tag in ("div", "tr", "td", "th", "table") and not self._keeps(tag)):
            self._break()
        elif self._keeps(tag):
            self.out.append(self._opened(tag, given))

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= tag not in _EMPTY
            return
        if self._keeps(tag):
            self.out.append(f"</{tag}>")
        elif tag in ("div", "td", "th", "table"):
            self._break()
        if tag == "table" and self._tables:
            self._tables.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden and (text := re.sub(r"\s+", " ", data)) and (text != " " or self.out[-1:] != ["<br>"]):
            self.out.append(escape(text, quote=False))

    def _hides(self, tag: str, given: dict[str, str]) -> bool:
        style = given.get("style", "").replace(" ", "").lower()
        return tag in _HIDDEN or "hidden" in given or "display:none" in style

    def _keeps(self, tag: str) -> bool:
        if tag in ("table", "tr", "td", "th") or tag in _GROUPS:
            return bool(self._tables) and self._tables[-1]
        return tag in _KEPT

    def _opened(self, tag: str, given: dict[str, str]) -> str:
        if tag == "table":
            return _TABLE
        if tag == "a":
            url = given.get("href", "")
            return f'<a href="{escape(url)}">' if url.startswith(("http://", "https://", "mailto:")) else "<a>"
        is_right = "text-align:right" in given.get("style", "").replace(" ", "")
        return f'<{tag} align="right">' if tag in ("td", "th") and is_right else f"<{tag}>"

    def _break(self) -> None:
        if self.out and self.out[-1] != "<br>":
            self.out.append("<br>")
