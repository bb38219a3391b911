"""Pack the sources of this folder and the packages of Node: joined, named by their content, and compressed."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from api.web.assets.packed import MANIFEST

SOURCES = Path(__file__).parent
PACKAGES = Path(__file__).parents[3] / "node_modules"
STYLES = ("tokens", "base", "forms", "tables", "parts")
HTMX = Path("htmx.org/dist/htmx.min.js")
LUCIDE = Path("@iconify-json/lucide/icons.json")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LICENCE = "<!-- Lucide icons, ISC License, Copyright (c) Lucide Icons and Contributors -->"


def pack(target: Path, packages: Path = PACKAGES) -> dict[str, str]:
    """Write every file and the manifest into `target`, and return the manifest. What lacks its package is left out."""
    made = dict(_files(packages))
    names = {name: _hashed(name, content) for name, content in made.items()}
    target.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        _write(target / names[name], content)
        # Without a time in it, the same content is the same file.
        _write(target / f"{names[name]}.gz", gzip.compress(content, 9, mtime=0))
    _write(target / MANIFEST, json.dumps(names, indent=2).encode())
    kept = {MANIFEST, *names.values(), *(f"{name}.gz" for name in names.values())}
    for old in target.iterdir():
        if old.name not in kept:
            old.unlink()
    return names


def _files(packages: Path) -> Iterable[tuple[str, bytes]]:
    yield "app.css", style((SOURCES / "css" / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    yield "app.js", script((SOURCES / "app.js").read_text(encoding="utf-8"))
    yield "favicon.svg", (SOURCES / "favicon.svg").read_bytes()
    if (packages / HTMX).is_file():
        yield "htmx.js", (packages / HTMX).read_bytes()
    if (packages / LUCIDE).is_file():
        lucide = json.loads((packages / LUCIDE).read_text(encoding="utf-8"))
        yield "icons.svg", sprite(lucide, icon_names()).encode()


def style(sheets: Iterable[str]) -> bytes:
    """Join style sheets, without their comments and indentation."""
    lines = (line.strip() for sheet in sheets for line in _COMMENT.sub("", sheet).splitlines())
    return "\n".join(line for line in lines if line).encode()


def script(source: str) -> bytes:
    """Return a script without the lines that are comments, and without indentation."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")).encode()


def icon_names() -> list[str]:
    """Return the names in `icons.txt`."""
    return (SOURCES / "icons.txt").read_text(encoding="utf-8").split()


def sprite(lucide: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return one SVG with a symbol for each name.

    Raises:
        KeyError: Lucide has no icon of that name.
    """
    symbols = "".join(f'<symbol id="{name}" viewBox="0 0 24 24">{_body(lucide, name)}</symbol>' for name in names)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{_LICENCE}{symbols}</svg>'


def _body(lucide: Mapping[str, Any], name: str) -> str:
    if name in lucide["icons"]:
        body: str = lucide["icons"][name]["body"]
        return body
    return _body(lucide, lucide["aliases"][name]["parent"])


def _hashed(name: str, content: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"


def _write(path: Path, content: bytes) -> None:
    """Write a file in one step, since a server may be reading it, and so that others than its writer may read it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
