"""Reduce a report's HTML to what the oldest mail program shows: headings, paragraphs, plain tables; no styles. Pure."""

from __future__ import annotations

import functools
import re
from html import escape
from html.parser import HTMLParser

_KEPT = {"h1", "h2", "h3", "h4", "p", "strong", "b", "em", "i", "ul", "ol", "li", "a"}
_OF_TABLES = {"table", "thead", "tbody", "tfoot", "tr", "td", "th"}
_BREAKS = {"br", "div", *_OF_TABLES}
_HIDDEN = {"head", "style", "script", "title", "noscript", "template"}
_EMPTY = {"br", "img", "hr", "meta", "link", "col", "input", "wbr"}
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Report</title>
</head>
<body>
"""


@functools.lru_cache(maxsize=8)
def light(body: str, *, whole: bool = True) -> str:
    """Return the HTML without styles, pictures and tables that are only layout. A picture leaves its description.

    Args:
        whole: whether it is a document of its own, or a piece of one.
    """
    reader = _Reader()
    reader.feed(body)
    reader.close()
    text = _without_idle_breaks("".join(reader.out))
    return f"{_HEAD}{text}\n</body></html>\n" if whole else text


def _without_idle_breaks(text: str) -> str:
    """Return the text with at most one empty line at once, and none beside what stands apart anyway."""
    text = re.sub(r"(?:<br>\s*){3,}", "<br><br>", text)
    text = re.sub(r"(</(?:h[1-4]|p|ul|ol|table)>)\s*(?:<br>\s*)+", r"\1", text)
    return re.sub(r"(?:<br>\s*)+(?=</?(?:h[1-4]|p|ul|ol|table)\b)|^\s*(?:<br>\s*)+", "", text)


class _Reader(HTMLParser):
    """Reads HTML tag by tag, and collects in `out` what is kept of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._hidden = 0
        self._tables: list[bool] = []
        self._bold: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        style = given.get("style", "").replace(" ", "").lower()
        if self._hidden or tag in _HIDDEN or "hidden" in given or "display:none" in style:
            self._hidden += tag not in _EMPTY
            return
        if tag == "table":
            self._tables.append(given.get("role") != "presentation")
        if self._keeps(tag):
            self.out.append(
                self._opened(tag, given, is_right="text-align:right" in style or given.get("align") == "right")
            )
        elif tag in _BREAKS:
            self._break()
        elif tag == "img" and given.get("alt"):
            self.out.append(f"<p>{escape(given['alt'], quote=False)}</p>")
        if tag in ("div", "span"):
            is_bold = "font-weight:600" in style or "font-weight:bold" in style
            self._bold.append(is_bold)
            self.out += ["<b>"] * is_bold

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= tag not in _EMPTY
            return
        if tag in ("div", "span") and self._bold and self._bold.pop():
            self.out.append("</b>")
        if self._keeps(tag):
            self.out.append(f"</{tag}>")
        elif tag in ("td", "th"):
            self.out.append("<br><br>")
        elif tag in ("div", "table"):
            self._break()
        if tag == "table" and self._tables:
            self._tables.pop()

    def handle_data(self, data: str) -> None:
        text = re.sub(r"\s+", " ", data)
        if not self._hidden and text and (text != " " or self._follows_text()):
            self.out.append(escape(text, quote=False))

    def _keeps(self, tag: str) -> bool:
        if tag in _OF_TABLES:
            return bool(self._tables) and self._tables[-1]
        return tag in _KEPT

    def _opened(self, tag: str, given: dict[str, str], *, is_right: bool) -> str:
        if tag == "table":
            return '<table border="1" cellpadding="4" cellspacing="0">'
        if tag == "a":
            url = given.get("href", "")
            return f'<a href="{escape(url)}">' if url.startswith(("http://", "https://", "mailto:")) else "<a>"
        return f'<{tag} align="{"right" if is_right else "left"}">' if tag in ("td", "th") else f"<{tag}>"

    def _break(self) -> None:
        if self._follows_text():
            self.out.append("<br>")

    def _follows_text(self) -> bool:
        return bool(self.out) and not self.out[-1].endswith("<br>")
