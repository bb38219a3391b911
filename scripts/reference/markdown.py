"""Write Markdown that GitHub and the site show alike: tables, anchors, text that stays text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; `|` and ends of lines in cells are made harmless."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("|" + "".join(f" {_cell(cell)} |" if cell else " |" for cell in line) for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def anchor(heading: str) -> str:
    """Return the anchor that a heading gets on GitHub and on the site."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def prose(text: str) -> str:
    """Return the text of a docstring for a page: what looks like a link or a tag in it stays text."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else _plain(part) for part in parts)


def _plain(text: str) -> str:
    text = re.sub(r"(?<!\\)([<\[])", r"\\\1", text)
    return re.sub(r"(?<![\w`])(MAILROOM_\w+|\w+_\w[\w_]*)(?![\w`])", r"`\1`", text)
