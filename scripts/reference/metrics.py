"""Keep the table of docs/operations/metrics.md as the metrics are."""

from __future__ import annotations

import re

from mailroom.watching.figures.metrics import METRICS

_TABLE = re.compile(r"^\| Metric \| Type \| Labels \| Meaning \|\n(?:\|.*\n)+", re.MULTILINE)


def with_table(page: str) -> str:
    """Return the page with its table made anew; its prose is written by hand."""
    rows = []
    for one in METRICS:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.shown}` | {one.kind} | {labels} | {one.meaning} |".replace("|  |", "| |"))
    made = "\n".join(["| Metric | Type | Labels | Meaning |", "|---|---|---|---|", *rows]) + "\n"
    return _TABLE.sub(lambda _: made, page, count=1)
