"""Print the table of what was provoked, and write it to bench/out/incidents.json for whoever compares."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.incidents.book import Book
from tests.acceptance.incidents.story import Story

OUT = Path(__file__).parents[3] / "bench" / "out" / "incidents.json"


@contextmanager
def written(test: str, stories: list[Story], book: Book) -> Iterator[None]:
    """Print and write what became of the stories of a test, also where something went wrong; other tests' rows stay."""
    try:
        yield
    finally:
        found = [{"test": test, **story.counted(book)} for story in stories if "opened" in story.seconds]
        others = [one for one in _before() if one["test"] != test]
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps([*others, *found], indent=2) + "\n")
        for one in found:
            times = ", ".join(f"{name} {value:.0f} s" for name, value in one["seconds"].items())
            alerts, ends = sum(one["alerts"].values()), sum(one["resolutions"].values())
            sys.stdout.write(f"{one['kind']:20} {one['incidents']} incident, {alerts} alerts, {ends} ends: {times}\n")


def _before() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(OUT.read_text()) if OUT.exists() else []
    return [one for one in found if "test" in one]
