"""Draw charts: numbers become the geometry of an SVG, with the finding in words and a table of the same numbers. Pure.

A chart is 560 wide and is scaled to its place; labels stand at the ends of lines instead of in a legend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.web.parts import Tone

WIDTH = 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 96, 10, 24
_MOST_LABELS = 6
_STEPS = (1, 2, 2.5, 5, 10)


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


@dataclass(frozen=True, slots=True)
class _Frame:
    """The place of the numbers within the drawing."""

    count: int
    top: float
    height: int
    ends: bool

    @property
    def right(self) -> float:
        return WIDTH - (_RIGHT if self.ends else 8)

    @property
    def step(self) -> float:
        return (self.right - _LEFT) / max(1, self.count)

    @property
    def base(self) -> float:
        return self.height - _BOTTOM

    def y(self, value: float) -> float:
        return round(self.base - (self.base - _TOP) * value / self.top, 1)

    def middle(self, number: int) -> float:
        return round(_LEFT + (number + 0.5) * self.step, 1)


def bars(
    finding: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    axis: str,
    words: Callable[[float], str] = lambda value: f"{value:g}",
    own: int | None = None,
    height: int = 180,
) -> Chart:
    """Draw bars, stacked if there are several series.

    Args:
        labels: the places along the axis, such as "09:00".
        axis: what they are, with the time zone if they are times, such as "Hour (CET)".
        words: how a number is written.
        own: the place of the bar to mark.
    """
    totals = [sum(one.values[number] or 0 for one in series) for number in range(len(labels))]
    frame = _Frame(
        len(labels),
        _nice(max(totals, default=0), whole=all(float(one).is_integer() for one in totals)),
        height,
        ends=len(series) > 1,
    )
    drawn, gap = [], min(4.0, frame.step * 0.2)
    for number in range(len(labels)):
        below = 0.0
        for one in series:
            value = one.values[number] or 0
            if value:
                y = frame.y(below + value)
                x, width = round(_LEFT + number * frame.step + gap / 2, 1), round(frame.step - gap, 1)
                drawn.append(Bar(x, y, width, round(frame.y(below) - y, 1), one.tone, number == own))
            below += value
    ends = _named_stack(series, frame) if len(series) > 1 else []
    return _chart(finding, labels, series, frame, axis, words, drawn_bars=tuple(drawn), ends=ends)


def lines(
    finding: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    axis: str,
    words: Callable[[float], str] = lambda value: f"{value:g}",
    area: bool = False,
    height: int = 180,
) -> Chart:
    """Draw a line for each series, with the area below it if asked for. A missing number breaks the line."""
    known = [value for one in series for value in one.values if value is not None]
    frame = _Frame(len(labels), _nice(max(known, default=0)), height, ends=True)
    drawn: list[Line] = []
    ends: list[Text] = []
    for one in series:
        for piece in _pieces(one.values):
            points = [(frame.middle(number), frame.y(value)) for number, value in piece]
            path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
            if area:
                drawn.append(
                    Line(f"{path}L{points[-1][0]:g} {frame.base:g}L{points[0][0]:g} {frame.base:g}z", one.tone, True)
                )
            drawn.append(Line(path if len(points) > 1 else f"{path}h.1", one.tone))
        if last := next(((n, v) for n, v in reversed(list(enumerate(one.values))) if v is not None), None):
            ends.append(Text(frame.middle(last[0]) + 6, frame.y(last[1]) + 4, one.name, "start", one.tone))
    return _chart(finding, labels, series, frame, axis, words, drawn_lines=tuple(drawn), ends=_apart(ends))


def _chart(
    finding: str,
    labels: Sequence[str],
    series: Sequence[Series],
    frame: _Frame,
    axis: str,
    words: Callable[[float], str],
    *,
    drawn_bars: tuple[Bar, ...] = (),
    drawn_lines: tuple[Line, ...] = (),
    ends: Sequence[Text] = (),
) -> Chart:
    levels = [frame.top * part / 4 for part in range(1, 5)]
    heights = [Text(_LEFT - 6, frame.y(level) + 4, words(level), "end") for level in levels]
    every = max(1, math.ceil(len(labels) / _MOST_LABELS))
    places = [Text(frame.middle(n), frame.height - 8, label) for n, label in enumerate(labels) if n % every == 0]
    return Chart(
        finding,
        WIDTH,
        frame.height,
        grid=tuple(frame.y(level) for level in levels),
        base=frame.base,
        left=_LEFT,
        right=frame.right,
        texts=(*heights, *places, *ends),
        bars=drawn_bars,
        lines=drawn_lines,
        head=(axis, *(one.name for one in series)),
        rows=tuple(
            (label, *("–" if (value := one.values[n]) is None else words(value) for one in series))
            for n, label in enumerate(labels)
        ),
    )


def _nice(highest: float, *, whole: bool = False) -> float:
    """Return the top of the axis: four lines above the base, at numbers that people count in.

    Args:
        whole: there are only whole numbers, as where things are counted: no line stands between two of them.
    """
    quarter = max(highest, 1e-9) / 4 if highest else 1.0
    power = 10 ** math.floor(math.log10(quarter))
    steps = (step * power for step in _STEPS if not whole or float(step * power).is_integer())
    return float(next(one for one in steps if one >= quarter * (1 - 1e-9)) * 4)


def _pieces(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Return the runs of numbers between the missing ones, each number with its place."""
    found: list[list[tuple[int, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((number, value))
    return [piece for piece in found if piece]


def _named_stack(series: Sequence[Series], frame: _Frame) -> list[Text]:
    """Name each series of a stack behind the last bar, at the height of its part or next to it."""
    below, named = 0.0, []
    for one in series:
        value = one.values[-1] or 0 if one.values else 0
        named.append(Text(frame.right + 6, frame.y(below + value / 2) + 4, one.name, "start", one.tone))
        below += value
    return _apart(named)


def _apart(texts: Sequence[Text], least: float = 18) -> list[Text]:
    """Move labels at one side apart, so that none covers another, from the lowest upwards."""
    moved: list[Text] = []
    for text in sorted(texts, key=lambda one: -one.y):
        y = min(text.y, moved[-1].y - least) if moved else text.y
        moved.append(Text(text.x, round(y, 1), text.words, text.anchor, text.tone))
    return moved
