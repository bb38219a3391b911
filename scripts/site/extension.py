"""Register with Sphinx what the pages of docs/ need besides MyST; each change is made when a page is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.site.contents import with_contents
from scripts.site.moves import with_moves_as_tables
from scripts.site.outside import with_outside_links_as_paths

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what happens to the text of each page before it is parsed."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    text = with_outside_links_as_paths(source[0], name, app.srcdir)
    source[0] = with_contents(with_moves_as_tables(text), name, app.srcdir)
