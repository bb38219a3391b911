"""Make the tree of pages from the lists of links in the index pages, so that these read well on GitHub, too. Pure.

A list item of an `index.md` that begins with a link to a page puts that page below the index. Pages in the folder of an
index which no index lists come after them, in the order of their names: a new page is in the tree once it is there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

_ITEM = re.compile(r"^[-*] \[[^\]]+\]\(([^)#:]+)\.md\)", re.MULTILINE)


def listed(text: str) -> list[str]:
    """Return the pages that the items of an index lead to, relative to it, without `.md` and each once."""
    return list(dict.fromkeys(_ITEM.findall(text)))


def with_contents(text: str, name: str, root: Path) -> str:
    """Return the text of an index with the tree of its pages, and every other text as it is.

    Args:
        name: the page, relative to `root` and without its ending.
    """
    if PurePosixPath(name).name != "index":
        return text
    children = listed(text)
    children += [child for child in _of_folder(root, name) if child not in children]
    tree = "\n".join(children)
    return f"{text}\n\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"


def _of_folder(root: Path, name: str) -> list[str]:
    """Return the other pages in the folder of an index that no index lists."""
    folder = (root / name).parent
    elsewhere = set()
    for index in root.rglob("index.md"):
        for child in listed(index.read_text()):
            elsewhere.add(os.path.normpath(index.parent / child))
    found = sorted(path.with_suffix("") for path in folder.glob("*.md") if path.name != "index.md")
    return [path.name for path in found if str(path) not in elsewhere]
