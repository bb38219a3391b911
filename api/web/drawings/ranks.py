"""Draw a ranking: a bar across for each thing, with its name above it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.drawings.charts import WIDTH, Bar, Chart, Text
from api.web.parts import Tone

_ROW = 38
_MOST_LETTERS = 44


@dataclass(frozen=True, slots=True)
class Rank:
    """A thing: its length, the number in words, and the cells of its row in the table behind its name."""

    name: str
    value: float
    words: str
    cells: tuple[str, ...]


def ranks(finding: str, head: Sequence[str], rows: Sequence[Rank], *, tone: Tone = "run") -> Chart:
    """Return a chart with the longest bar across its whole width.

    Args:
        head: the heads of the table; the first one is of the names.
    """
    most = max((row.value for row in rows), default=0) or 1
    texts, bars = [], []
    for number, row in enumerate(rows):
        top = number * _ROW
        texts += [Text(0, top + 14, _short(row.name), "start"), Text(WIDTH, top + 14, row.words, "end")]
        bars.append(Bar(0, top + 20, max(1.0, round(WIDTH * row.value / most, 1)), 10, tone))
    height = max(1, len(rows)) * _ROW
    table = tuple((row.name, *row.cells) for row in rows)
    return Chart(finding, WIDTH, height, (), height, 0, WIDTH, tuple(texts), tuple(bars), (), tuple(head), table)


def _short(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"
