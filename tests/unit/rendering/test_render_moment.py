"""A due time is an instant: one with microseconds, such as "now", renders as well."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pypdf

from mailroom.rendering.document.model import Document
from mailroom.rendering.formats.pdf import write_pdf, write_png


def test_microseconds_do_not_break_the_pdf(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
    document = Document(
        report="r", title="T", description="", due="2 March", window="", facts=[], sections=[], notices=[]
    )

    write_pdf(document, tmp_path / "r.pdf", created=moment)
    write_png(document, tmp_path / "r.png", created=moment)

    metadata = pypdf.PdfReader(tmp_path / "r.pdf").metadata
    assert metadata is not None
    assert metadata.creation_date == moment.replace(microsecond=0)
