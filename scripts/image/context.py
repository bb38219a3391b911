"""Lists the files of the checkout that reach the image's builder, by .dockerignore. Pure but for reading the folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path


def sent(root: Path, names: Iterable[str]) -> list[str]:
    """Return those of the files, named from the root, that .dockerignore lets through."""
    rules = [_rule(line) for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    return [name for name in names if not _is_ignored(name, rules)]


def _rule(line: str) -> tuple[bool, re.Pattern[str]]:
    """Return whether a rule lets through again, and what it fits: a path, or what lies below it."""
    again, pattern = line.startswith("!"), line.removeprefix("!")
    parts = {"**/": "(?:.*/)?", "*": "[^/]*"}
    text = re.sub(r"\*\*/|\*|[^*]+", lambda found: parts.get(found.group(), re.escape(found.group())), pattern)
    return again, re.compile(f"{text}(?:/.*)?$")


def _is_ignored(name: str, rules: list[tuple[bool, re.Pattern[str]]]) -> bool:
    ignored = False
    for again, pattern in rules:
        if pattern.match(name):
            ignored = not again
    return ignored
