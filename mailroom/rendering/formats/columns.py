"""Works on a batch by columns: one look at a column's types decides whether its values need any work at all.

Most columns need none; `zip` and `set(map(type, …))` run in C, so the look costs a million rows well under a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Batch = list[tuple[Any, ...]]
Work = Callable[[int, set[type], tuple[Any, ...]], Iterable[Any] | None]


def by_column(batch: Batch, work: Work) -> Batch:
    """Return the batch with `work(position, types, column)` for each column; None leaves a column as it is."""
    columns: list[Iterable[Any]] = list(zip(*batch, strict=True))
    changed = False
    for at, column in enumerate(zip(*batch, strict=True)):
        new = work(at, set(map(type, column)), column)
        if new is not None:
            columns[at] = new
            changed = True
    return list(zip(*columns, strict=True)) if changed else batch
