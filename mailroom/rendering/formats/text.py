"""The document as plain text: the part of a mail that every reader can show, and that screen readers like best."""

from __future__ import annotations

import textwrap

from mailroom.rendering.document.build import capped
from mailroom.rendering.document.model import Chart, Document, KeyFigures, Paragraphs, Part, Table

WIDTH = 78
TEXT_ROWS = 20
MAX_CELL = 32
CHART_POINTS = 12


def plain(document: Document) -> str:
    """Return the document in lines; tables show 20 rows, and say so."""
    document = capped(document, TEXT_ROWS)
    lines = [document.title, "=" * min(WIDTH, len(document.title)), ""]
    if document.description:
        lines += [*textwrap.wrap(document.description, WIDTH), ""]
    lines += [f"{label}: {text}" for label, text in [*document.facts, ("Due", document.due)]]
    for part in document.sections:
        lines.append("")
        if part.heading:
            lines += [part.heading, "-" * min(WIDTH, len(part.heading))]
        lines += _part(part)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _part(part: Part) -> list[str]:
    match part:
        case Paragraphs():
            blocks = ["\n".join(textwrap.wrap(paragraph, WIDTH)) for paragraph in part.paragraphs]
            return ["\n\n".join(blocks)]
        case KeyFigures():
            lines = [
                f"{item.label}: {item.text}" + (f" ({item.change})" if item.change else "") for item in part.figures
            ]
        case Chart():
            lines = [part.alt, *(_rows(part.data) if len(part.points) <= CHART_POINTS else [])]
        case Table():
            lines = _rows(part)
    return [*lines, part.notice] if part.notice else lines


def _rows(part: Table) -> list[str]:
    if not part.cells:
        return []
    table = [[head.title for head in part.columns], *part.cells]
    short = [[cell if len(cell) <= MAX_CELL else f"{cell[: MAX_CELL - 1]}…" for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    lines = []
    for row in short:
        cells = [
            cell.rjust(width) if head.right else cell.ljust(width)
            for cell, width, head in zip(row, widths, part.columns, strict=True)
        ]
        lines.append("  ".join(cells))
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines
