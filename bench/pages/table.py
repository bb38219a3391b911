"""Print the figures of the pages with the goals beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GOALS = {
    "first_paint_ms": 500.0,
    "server_p95_ms": 150.0,
    "kb_cold": 200.0,
    "kb_warm": 200.0,
    "requests": 8.0,
    "shift": 0.0,
    "axe_violations": 0.0,
}
LIST = {"kb_cold": 45.0, "kb_warm": 12.0}
"""The goals of the list of 50 schedules are its own."""
PEOPLE = {"keyboard_create_s": None, "wizard_s": 60.0}


def missed(row: Mapping[str, Any]) -> list[str]:
    """Return the figures of a page that miss their goals."""
    goals = {**GOALS, **LIST} if row["page"] == "schedules" else GOALS
    return [name for name, goal in goals.items() if row[name] > goal]


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures as lines; what misses its goal has a mark."""
    names = [*GOALS, "cpu_ms"]
    widths = [max(len(name), 9) + 1 for name in names]

    def line(first: str, theme: str, cells: list[str]) -> str:
        return f"{first:22} {theme:6}" + "".join(f"{one:>{width}}" for one, width in zip(cells, widths, strict=True))

    lines = []
    if rows := figures.get("pages"):
        goals = [f"<= {GOALS[name]:g}" if name in GOALS else "" for name in names]
        lines += [line("page", "theme", names), line("goal", "", goals)]
        for row in rows:
            wrong = missed(row)
            cells = [f"{row[name]:g}{' !' if name in wrong else ''}" for name in names]
            lines.append(line(row["page"], row["theme"], cells))
        lines.append(f"The list of 50 schedules: at most {LIST['kb_cold']:g} KB cold, {LIST['kb_warm']:g} KB warm.")
    for name, goal in PEOPLE.items():
        if name in figures:
            lines.append(f"{name}: {figures[name]:g} s" + (f" (goal: at most {goal:g} s)" if goal else ""))
    return "\n".join(lines)
