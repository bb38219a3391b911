"""Define charts: the numbers that are drawn, and the drawing that a template puts on the page."""

from __future__ import annotations

from dataclasses import dataclass

from api.web.parts import Tone


@dataclass(frozen=True, slots=True)
class Series:
    """A row of numbers with its name; None where there is no number."""

    name: str
    values: tuple[float | None, ...]
    tone: Tone = "run"


@dataclass(frozen=True, slots=True)
class Text:
    """A label: its place, which end of it is there, and the tone of a series that it names."""

    x: float
    y: float
    words: str
    anchor: str = "middle"
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; an `own` one is marked, such as the quarter hour of this schedule."""

    x: float
    y: float
    width: float
    height: float
    tone: Tone
    own: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or the area below one, as an SVG path."""

    d: str
    tone: Tone
    area: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that is ready to be drawn, and its table.

    Attributes:
        finding: what it shows, as a sentence; it is the caption.
        grid: the heights of the lines across.
        head, rows: the table; the first column names the place along the axis.
    """

    finding: str
    width: int
    height: int
    grid: tuple[float, ...]
    base: float
    left: float
    right: float
    texts: tuple[Text, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
