"""Find what was packed: the address of each file by its plain name. Without a packed file, pages do without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup

STATIC = Path(__file__).parents[1] / "static"
MANIFEST = "manifest.json"
_ICON = Markup('<svg class="icon" aria-hidden="true" width="16" height="16"><use href="{}#{}"/></svg>')


def read_manifest(folder: Path) -> Mapping[str, str]:
    """Return the name of each packed file by its plain name; nothing where nothing was packed."""
    try:
        names: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return names


@cache
def manifest() -> Mapping[str, str]:
    """Return what was packed when this process first asked."""
    return read_manifest(STATIC)


def url(name: str) -> str:
    """Return the address of `app.css`, `app.js`, `htmx.js`, `icons.svg` or `favicon.svg`; empty if it is not packed."""
    packed = manifest().get(name)
    return f"/static/{packed}" if packed else ""


def icon(name: str) -> Markup:
    """Return an icon of `icons.txt`; it says nothing to screen readers, so words stand beside it."""
    sheet = url("icons.svg")
    return _ICON.format(sheet, name) if sheet and name else Markup()
