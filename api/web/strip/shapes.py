"""Draw a state as a shape in a cell, 10 wide and 24 high; shapes differ without colour, too. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from api.web.parts import Tone
from api.web.strip.model import TO_COME, Path, Style


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
