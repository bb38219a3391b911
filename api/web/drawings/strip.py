"""Draw the occurrence strip: what became of each due time, as shapes that differ without colour, too. Pure.

A cell is 10 wide and 24 high, and stands on a baseline at y = 20. The newest is at the right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

from api.web.parts import Tone

Kind = Literal["edited", "paused", "resumed"]
Style = Literal["solid", "hollow", "dashed", "baseline", "notch"]

CELL = 10
HEIGHT = 24
TO_COME = "to_come"


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


_COUNTED: Mapping[str, str] = {
    "success": "delivered",
    "partial": "partly delivered",
    "failed": "not delivered",
    "missed": "missed",
    "skipped": "skipped",
    "cancelled": "cancelled",
    "retrying": "trying again",
    "running": "running",
    "pending": "waiting",
    TO_COME: "to come",
}
"""The words of each state behind a number, in the order in which they are told."""


def image(occurrences: Iterable[Occurrence], marks: Iterable[Mark] = (), *, last: int = 14) -> StripImage:
    """Draw the last occurrences for a row of a list, aligned at the right where there are fewer."""
    shown = sorted(occurrences, key=lambda one: one.due_at)[-last:]
    kept = sorted(marks, key=lambda one: one.at)
    start = (last - len(shown)) * CELL
    pieces = [piece for number, one in enumerate(shown) for piece in shape(one.state, start + number * CELL)]
    width = last * CELL
    paused = [_gap(mark, shown, start) for mark in kept if mark.kind == "paused" and shown]
    notches = [_gap(mark, shown, start) for mark in kept if mark.kind == "edited" and shown]
    pieces.append(Path("off", "baseline", _baseline(width, paused)))
    pieces += [Path("off", "notch", f"M{x - 3} 24h6l-3-3.5z") for x in notches]
    return StripImage(width, HEIGHT, label(shown), merged(pieces))


def page(occurrences: Iterable[Occurrence], marks: Iterable[Mark] = (), *, now: datetime) -> StripList:
    """Draw every occurrence as a link, with the marks between them and a line for the present."""
    timed: list[tuple[datetime, int, Item]] = [
        (one.due_at, 1, Item("occurrence", one.words, one.href, merged(shape(one.state, 0)))) for one in occurrences
    ]
    timed += [(mark.at, 0, Item(mark.kind, mark.words)) for mark in marks]
    timed.append((now, 2, Item("now", "now")))
    return StripList(tuple(item for _, _, item in sorted(timed, key=lambda one: (one[0], one[1]))))


def label(occurrences: Sequence[Occurrence]) -> str:
    """Say a strip in words, such as "Last 14: 12 delivered, 1 partly delivered, 1 missed"."""
    if not occurrences:
        return "No runs yet"
    counts = Counter(one.state for one in occurrences)
    told = [f"{counts[state]} {words}" for state, words in _COUNTED.items() if counts[state]]
    return f"Last {len(occurrences)}: {', '.join(told)}"


def shape(state: str, x: int) -> tuple[Path, ...]:
    """Return the drawing of a state in the cell that begins at `x`.

    Raises:
        KeyError: there is no such state.
    """
    return tuple(Path(tone, style, _moved(d, x)) for tone, style, d in _SHAPES[state])


# Solid shapes fill their box; outlines keep within it by half the width of their stroke. `{}` is an x within the cell.
_OUTLINE = "M{1.75} 8.75h6.5v10.5h-6.5z"
_TALL = "M{1.75} 2.75h6.5v16.5h-6.5z"
_SHAPES: Mapping[str, tuple[tuple[Tone, Style, str], ...]] = {
    "success": (("ok", "solid", "M{1} 8h8v12h-8z"),),
    "partial": (("warn", "solid", "M{1} 14h8v6h-8z"), ("warn", "hollow", _OUTLINE)),
    "failed": (("bad", "solid", "M{1} 2h8v18h-8z"),),
    "missed": (("bad", "hollow", _TALL + "M{1.75} 19.25l6.5-16.5"),),
    "skipped": (("off", "solid", "M{1} 17h8v3h-8z"),),
    "cancelled": (("off", "hollow", _OUTLINE),),
    "retrying": (("wait", "hollow", _OUTLINE), ("wait", "solid", "M{3.5} 14a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0z")),
    "running": (("run", "hollow", _OUTLINE), ("run", "solid", "M{3.5} 12.5h3v3h-3z")),
    "pending": (("off", "solid", "M{3} 17a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z"),),
    TO_COME: (("off", "dashed", _OUTLINE),),
}


def _moved(d: str, x: int) -> str:
    parts = d.split("{")
    moved = [parts[0]]
    for part in parts[1:]:
        offset, _, rest = part.partition("}")
        moved.append(f"{float(offset) + x:g}{rest}")
    return "".join(moved)


def merged(pieces: Iterable[Path]) -> tuple[Path, ...]:
    """Join what has one tone and one style into one path: a list of 50 strips stays small."""
    ordered = sorted(pieces, key=lambda one: (one.tone, one.style))
    groups = groupby(ordered, key=lambda one: (one.tone, one.style))
    return tuple(Path(tone, style, "".join(one.d for one in group)) for (tone, style), group in groups)


def _gap(mark: Mark, shown: Sequence[Occurrence], start: int) -> int:
    """Return the x between the occurrences before and after a mark."""
    return start + sum(one.due_at <= mark.at for one in shown) * CELL


def _baseline(width: int, gaps: Iterable[int]) -> str:
    """Return the line that everything stands on, broken where the schedule was paused."""
    pieces, x = [], 0
    for gap in sorted(set(gaps)):
        if gap - 3 > x:
            pieces.append(f"M{x} 20.5H{gap - 3}")
        x = max(x, gap + 3)
    if x < width:
        pieces.append(f"M{x} 20.5H{width}")
    return "".join(pieces)
