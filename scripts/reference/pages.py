"""List the pages of docs/ that are made from the code, and say what each contains."""

from __future__ import annotations

from pathlib import Path

from scripts import access_page, states_page
from scripts.reference import commands, events, metrics, settings
from scripts.reference.rest import operations, schemas
from scripts.reference.rest.document import document

DOCS = Path(__file__).resolve().parents[2] / "docs"
_WHOLLY_MADE = "reference/rest"
"""A folder in which every page is made."""


def pages() -> dict[str, str]:
    """Return every page that is made, by its path in docs/."""
    api = document()
    return {
        "states.md": states_page.page(),
        "access.md": access_page.page(),
        "reference/settings.md": settings.page(),
        "reference/command-line.md": commands.page(),
        "product-events.md": events.with_table((DOCS / "product-events.md").read_text()),
        "operations/metrics.md": metrics.with_table((DOCS / "operations/metrics.md").read_text()),
        **{f"{_WHOLLY_MADE}/{name}.md": text for name, text in operations.pages(api).items()},
        f"{_WHOLLY_MADE}/schemas.md": schemas.page(api),
    }


def stray() -> list[Path]:
    """Return the files among the made pages that no code makes any longer."""
    made = {DOCS / path for path in pages()}
    return [path for path in sorted((DOCS / _WHOLLY_MADE).glob("*.md")) if path not in made]
