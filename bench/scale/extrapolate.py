"""What more schedules would take, by the slope of what was measured, and what is at its limit first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FIGURES = ("idle_cpu_percent", "poll_ms", "create_ms", "reconcile_s")
FAR = 100_000
ALONE = ("services", "postgres", "redis")
"""Kinds of which one process does the work of all at a time, whose part cannot be spread over more hosts."""


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return start and slope of the straight line nearest to the points, by least squares."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def at(points: Sequence[tuple[float, float]], x: float) -> float:
    """Return the value of that line; never less than what was measured at most, since nothing gets cheaper."""
    start, slope = line(points)
    return start + max(slope, 0.0) * x if slope > 0 else max(y for _, y in points)


def far(growth: Sequence[Mapping[str, Any]], size: int = FAR) -> dict[str, Any] | None:
    """Return the figures for so many schedules, and the kind that would use most of one core; None for one size."""
    if len(growth) < 2:
        return None
    figures = {
        name: round(at([(row["schedules"], row[name]) for row in growth], size), 1)
        for name in FIGURES
        if all(row.get(name) is not None for row in growth)
    }
    kinds = sorted({kind for row in growth for kind in row["idle_cpu_percent_of"]})
    percent = {
        kind: round(at([(row["schedules"], row["idle_cpu_percent_of"].get(kind, 0.0)) for row in growth], size), 1)
        for kind in kinds
    }
    first = max(percent, key=lambda kind: percent[kind])
    grows = {
        kind: line([(r["schedules"], r["idle_cpu_percent_of"].get(kind, 0.0)) for r in growth])[1] for kind in kinds
    }
    steepest = max(grows, key=lambda kind: grows[kind])
    full = round((100 - percent[steepest]) / grows[steepest] + size) if grows[steepest] > 0 else None
    return {
        "schedules": size,
        **figures,
        "idle_cpu_percent_of": percent,
        "limit": {"kind": steepest, "most_used": first, "core_full_at_schedules": full},
    }
