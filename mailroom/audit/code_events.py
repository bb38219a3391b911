"""Define the events of objects that are kept as code. Each object has events of its own besides."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.audit.events import Event


@dataclass(frozen=True, slots=True)
class CodeApplied(Event):
    """Documents of a bundle were applied; `counts` says what became of them, `source` where they came from."""

    entity_type = "bundle"
    action = "applied"
    source: str
    counts: dict[str, int]
