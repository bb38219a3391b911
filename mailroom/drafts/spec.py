"""Define the parts of a draft: which fields of a schedule belong to which part, and what becomes of them. Pure.

A part is kept as it was entered, also with faults. All parts together are the body of a schedule, which is read and
checked as any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from mailroom.errors import Fault, Invalid


class Part(StrEnum):
    """The parts of a draft, in the order in which they are asked for."""

    REPORT = "report"
    TIMING = "timing"
    PARAMETERS = "parameters"
    DESTINATIONS = "destinations"
    NAME = "name"


FIELDS: Mapping[Part, tuple[str, ...]] = {
    Part.REPORT: ("report_id",),
    Part.TIMING: ("timing", "policy"),
    Part.PARAMETERS: ("parameters", "condition"),
    Part.DESTINATIONS: ("formats", "destinations"),
    Part.NAME: ("name",),
}
"""The fields of a schedule's body that each part has."""
NEEDED = {
    Part.REPORT: "report_id",
    Part.TIMING: "timing",
    Part.DESTINATIONS: "destinations",
    Part.NAME: "name",
}
"""The parts without which there is no schedule, each with the field that has to be there."""
_PART_OF = {name: part for part, names in FIELDS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Saved:
    """A part as it is kept: its fields as they were entered, and the version, time and user of its last change."""

    value: Mapping[str, Any]
    version: int
    at: datetime
    by: str

    def as_json(self) -> dict[str, Any]:
        """Return it as the draft's row keeps it."""
        return {"value": dict(self.value), "version": self.version, "at": self.at.isoformat(), "by": self.by}


def saved_parts(stored: Mapping[str, Any]) -> dict[Part, Saved]:
    """Return the parts that a row keeps."""
    return {
        Part(name): Saved(one["value"], one["version"], datetime.fromisoformat(one["at"]), one["by"])
        for name, one in stored.items()
    }


def split(body: Mapping[str, Any]) -> dict[Part, dict[str, Any]]:
    """Return the body of a schedule, or a piece of one, as parts.

    Raises:
        Invalid: naming every field that a schedule does not have.
    """
    unknown = [name for name in body if name not in _PART_OF]
    if unknown:
        raise Invalid([Fault(name[:80], "This setting does not exist.", _SPELLING) for name in unknown])
    found = {part: {name: body[name] for name in names if name in body} for part, names in FIELDS.items()}
    return {part: value for part, value in found.items() if value}


def read_part(part: Part, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one part as they were entered.

    Raises:
        Invalid: naming every field that does not belong to this part.
    """
    wrong = [name for name in value if _PART_OF.get(name) is not part]
    if wrong:
        raise Invalid([Fault(name[:80], f"This setting is not in the part '{part}'.", _SPELLING) for name in wrong])
    return dict(value)


_SPELLING = "Remove it, or check its spelling."


def body_of(parts: Mapping[Part, Saved]) -> dict[str, Any]:
    """Return all parts together, as the body of a schedule that may lack some."""
    return {name: value for part in Part if part in parts for name, value in parts[part].value.items()}


def missing(parts: Iterable[Part], body: Mapping[str, Any]) -> list[Part]:
    """Return the parts without which there is no schedule and that are not there yet."""
    there = set(parts)
    return [part for part, name in NEEDED.items() if part not in there or name not in body]


def part_of(field: str) -> Part:
    """Return the part that a fault belongs to, by its dotted place."""
    return _PART_OF.get(field.partition(".")[0], Part.NAME)
