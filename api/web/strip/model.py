"""Define the occurrence strip: what is drawn, and the drawing that a template puts on the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from api.web.parts import Tone

Kind = Literal["edited", "paused", "resumed"]
Style = Literal["solid", "hollow", "dashed", "baseline", "notch"]

TO_COME = "to_come"
"""The state of an occurrence that is not due yet."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A due time: the word of its ExecutionState, or `to_come`.

    Attributes:
        words: the whole of it for screen readers, such as "Mon 23 Nov 2026 09:00 CET: partly delivered, 11 of 12".
    """

    state: str
    due_at: datetime
    href: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """An edit, a pause or the end of one, with its words, such as "Paused by Ada on Tue 24 Nov 2026, 10:00 CET"."""

    kind: Kind
    at: datetime
    words: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """A part of a drawing: the tone and the style of its class, and the commands of an SVG path."""

    tone: Tone
    style: Style
    d: str


@dataclass(frozen=True, slots=True)
class StripImage:
    """A strip as one image of a list; `label` says in words what it shows."""

    width: int
    height: int
    label: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A place in the strip of a page: an occurrence with its drawing, a mark, or the line that says "now"."""

    kind: Literal["occurrence", "now"] | Kind
    words: str = ""
    href: str = ""
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class StripList:
    """A strip as a list of links, oldest first."""

    items: tuple[Item, ...]
