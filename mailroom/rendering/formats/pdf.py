"""PDF and PNG by typst. The document goes in as JSON data; the template is ours alone, so no value is ever markup."""

from __future__ import annotations

import json
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import typst

from mailroom.rendering.document import chart
from mailroom.rendering.document.build import capped
from mailroom.rendering.document.model import Chart, Document, KeyFigures, Paragraphs, Part, Table
from mailroom.reports.errors import RenderFailed

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
FONT = "Libertinus Serif"  # typst bundles it; the system's fonts help out for scripts that it lacks.
PNG_ROWS = 40
FIRST_PAGE_ROWS = 60
"""More rows of a table than a page holds."""
TAGGED_CELLS = 3_000
"""Tables of more cells are set without tags for screen readers, which make a PDF eleven times as large."""
_LONG_WORD = re.compile(r"\S{25,}")


def write_pdf(document: Document, path: Path, *, created: datetime) -> None:
    """Write the document as A4 pages, with `created` as its date, so that the same data gives the same bytes.

    Raises:
        RenderFailed: typst refuses the document.
    """
    path.write_bytes(_compile(document, "pdf", created=created))


def write_png(document: Document, path: Path, *, created: datetime) -> None:
    """Write the document as one picture, 1,190 px wide, as high as it needs; tables show 40 rows, and say so."""
    path.write_bytes(_compile(capped(document, PNG_ROWS), "png", created=created))


def write_first_page(document: Document, path: Path, *, created: datetime) -> Path:
    """Write a small picture of the first page, 331 px wide, and return its path."""
    path.write_bytes(_compile(capped(document, FIRST_PAGE_ROWS), "pdf", created=created, picture_ppi=40))
    return path


def warm() -> None:
    """Load the fonts and the template once, for the documents that follow."""
    _compile(Document("", "", "", "", "", [], []), "pdf", created=datetime(2000, 1, 1, tzinfo=UTC))


def _compile(
    document: Document, kind: Literal["pdf", "png"], *, created: datetime, picture_ppi: int | None = None
) -> bytes:
    """Return what typst makes of the document; with `picture_ppi` the first of its pages as a picture."""
    inputs = {"document": json.dumps(_data(document), ensure_ascii=False), "kind": kind}
    # An empty root and package folder: the template has nothing to read and nowhere to fetch from.
    with tempfile.TemporaryDirectory(prefix="mailroom-") as nowhere:
        try:
            compiler = typst.Compiler(
                TEMPLATE.read_bytes(),
                root=nowhere,
                package_path=nowhere,
                package_cache_path=nowhere,
                sys_inputs=inputs,
            )
            # typst refuses a time with microseconds, which a due time of "now" has.
            moment, tags = created.replace(microsecond=0), _cells(document) <= TAGGED_CELLS
            if picture_ppi:
                made = compiler.compile(format="png", ppi=picture_ppi, timestamp=moment)
            else:
                made = compiler.compile(format=kind, ppi=144, timestamp=moment, pdf_tags=tags)
        except typst.TypstError as error:
            raise RenderFailed(f"The {kind.upper()} could not be created: {error.message}.") from error
    if isinstance(made, list):
        made = made[0]
    assert made is not None  # It is None only where typst writes the file itself.
    return made


def _cells(document: Document) -> int:
    return sum(len(part.cells) * len(part.columns) for part in document.sections if isinstance(part, Table))


def _data(document: Document) -> dict[str, Any]:
    return {
        "title": document.title,
        "description": document.description,
        "due": document.due,
        "facts": [list(fact) for fact in document.facts],
        "sections": [_part(part) for part in document.sections],
        "wide": any(isinstance(part, Table) and len(part.columns) > 9 for part in document.sections),
    }


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Paragraphs():
            return {"kind": part.kind, "heading": part.heading, "paragraphs": part.paragraphs, "notice": ""}
        case KeyFigures():
            figures = [{"label": item.label, "text": item.text, "change": item.change} for item in part.figures]
            return {"kind": part.kind, "heading": part.heading, "figures": figures, "notice": part.notice}
        case Chart():
            drawn = chart.svg(part, FONT) if part.points else ""
            return {"kind": part.kind, "heading": part.heading, "svg": drawn, "alt": part.alt, "notice": part.notice}
        case Table():
            return _table(part)


def _table(part: Table) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "heading": part.heading,
        "titles": [head.title for head in part.columns],
        "right": [head.right for head in part.columns],
        "widths": _widths(part),
        "rows": [[_breakable(cell) for cell in row] for row in part.cells],
        "notice": part.notice,
    }


def _widths(part: Table) -> list[float]:
    """Return each column's share of the page: by the longest word of the head and a long, but not the longest, cell."""
    shares = []
    for at, head in enumerate(part.columns):
        lengths = sorted(len(row[at]) for row in part.cells)
        usual = lengths[int(len(lengths) * 0.95)] if lengths else 0
        word = max(map(len, head.title.split()), default=0)
        shares.append(float(min(40, max(4, usual, word)) + 2))
    return shares


def _breakable(cell: str) -> str:
    """Let a word that is too long for a column break after every eighth letter."""
    return _LONG_WORD.sub(lambda word: "\u200b".join(re.findall(".{1,8}", word[0])), cell) if len(cell) > 24 else cell
