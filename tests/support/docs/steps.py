"""Take the steps of a page out of its Markdown. Pure.

- A block ```` ```sh ```` is typed; ```` ```sh background ```` keeps running until the page ends.
- A block ```` ```text ```` names what the commands before it must have printed, a line each.
- A block ```` ```console ```` is for another machine, and nobody types it here.
- Any other block, after a line that ends in a path in backquotes and a colon, is written to that file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = "```"
_NAMED = re.compile(r"`([^`\s]+)`[^`]*:$")


@dataclass(frozen=True, slots=True)
class Typed:
    """Commands to type."""

    text: str
    keeps_running: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A file to write."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What must have been printed since the last such step."""

    lines: tuple[str, ...]


Step = Typed | Written | Shown


def steps(page: str) -> Iterator[Step]:
    """Yield the steps of a page in their order.

    Raises:
        ValueError: a block says neither what it is nor where it goes, so that nobody would run it.
    """
    before, info = "", ""
    inside: list[str] | None = None
    for line in page.splitlines():
        if inside is not None and line == _FENCE and info == "console":
            inside = None
        elif inside is not None and line == _FENCE:
            yield _step(info, "".join(f"{one}\n" for one in inside), before)
            inside = None
        elif inside is not None:
            inside.append(line)
        elif line.startswith(_FENCE):
            info, inside = line.removeprefix(_FENCE).strip(), []
        elif line:
            before = line


def _step(info: str, text: str, before: str) -> Step:
    if info.partition(" ")[0] == "sh":
        return Typed(text, keeps_running="background" in info)
    if info == "text":
        return Shown(tuple(text.splitlines()))
    if named := _NAMED.search(before):
        return Written(named[1], text)
    raise ValueError(f"Nobody knows what to do with this block, since no path stands before it: {text[:80]}")
