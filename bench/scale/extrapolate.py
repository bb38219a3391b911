"""Say what more schedules would take, by the slope of what was measured, and what reaches its limit first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.scale import limits
from bench.scale.limits import Machine, value_at

FIGURES = ("idle_cpu_percent", "poll_ms", "create_ms", "reconcile_s")
FAR = 100_000


def far(growth: Sequence[Mapping[str, Any]], machine: Machine, size: int = FAR) -> dict[str, Any] | None:
    """Return the figures for so many schedules, and each part with its bound, the first in front; None for one size."""
    if len(growth) < 2:
        return None
    figures = {
        name: round(value_at([(row["schedules"], row[name]) for row in growth], size), 1)
        for name in FIGURES
        if all(row.get(name) is not None for row in growth)
    }
    rows = [
        {
            "part": part.name,
            "unit": part.unit,
            "bound": part.bound,
            "value": round(part.at(size), 1),
            "reached_at_schedules": part.reached_at,
        }
        for part in limits.parts(growth, machine)
    ]
    return {"schedules": size, **figures, "limit": rows[0], "limits": rows}
