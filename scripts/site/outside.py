"""Show links that lead out of docs/, which work in the repository, as the path of the file. Pure."""

from __future__ import annotations

import os
import re
from pathlib import Path

_LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(((?:\.\./)+[^)#\s]*)(?:#[^)]*)?\)")


def with_outside_links_as_paths(text: str, name: str, root: Path) -> str:
    """Return a page with its links to other folders of the repository replaced by their words and the path.

    Args:
        name: the page, relative to `root` and without its ending.
    """
    folder = (root / name).parent

    def shown(found: re.Match[str]) -> str:
        target = os.path.relpath(os.path.normpath(folder / found[2]), root)
        if not target.startswith(".."):
            return found[0]
        words, path = found[1], os.path.relpath(os.path.normpath(folder / found[2]), root.parent)
        return words if words.strip("`") == path else f"{words} (`{path}` in the repository)"

    return _LINK.sub(shown, text)
