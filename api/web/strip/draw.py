"""Draw occurrences in a row on a baseline at y = 20, the newest at the right. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from api.web.strip.model import TO_COME, Item, Mark, Occurrence, Path, StripImage, StripList
from api.web.strip.shapes import merged, shape

CELL = 10
HEIGHT = 24

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
