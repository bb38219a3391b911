"""What a page tells its reader to type and to write, in its order. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (\S+\.\w+)\n")


@dataclass(frozen=True)
class Step:
    """One block of a page: commands, or a file whose name is in its first line.

    `section` is the heading above it.
    """

    section: str
    language: str
    text: str

    @property
    def file(self) -> str:
        """The name of the file that it is; empty for commands."""
        named = _NAMED.match(self.text)
        return named[1] if named and self.language != "bash" else ""


def steps_of(page: str) -> Iterator[Step]:
    """Return every block of the page, each with the heading above it."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE):
        heading = part.partition("\n")[0]
        for language, text in _FENCE.findall(part):
            yield Step(heading, language, text)
