"""Tell which part reaches its bound first as schedules are added, by the line through what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Point = tuple[float, float]

ONE_CORE = ("services", "redis")
"""Kinds that do their work in one process at a time, so that a second one adds nothing: one core is their limit."""
_SEVERAL_PROCESSES = ("postgres",)
"""Kinds that have a process for each connection: all cores of the machine are their limit."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Hold what nothing can exceed.

    Attributes:
        cores, memory_mb: of the machine.
        processes: how many of each kind share its work.
        connections: how many Postgres takes.
        poll_ms: the time between two polls of a worker.
        look_s: the time between two looks for drift.
        share: which part of the time goes into reading on through all schedules, of one API process.
    """

    cores: int
    memory_mb: float
    processes: Mapping[str, int]
    connections: int
    poll_ms: float
    look_s: float
    share: float


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that grows with the number of schedules, and what it may become.

    Attributes:
        name: what it is, for readers.
        unit: of its values and of its bound.
        points: what was measured, as pairs of schedules and value.
    """

    name: str
    unit: str
    bound: float
    points: Sequence[Point]

    def at(self, schedules: float) -> float:
        """Return its value at that number of schedules."""
        return value_at(self.points, schedules)

    @property
    def reached_at(self) -> int | None:
        """Return at how many schedules it reaches its bound; None where it does not grow."""
        start, slope = line(self.points)
        return max(0, round((self.bound - start) / slope)) if slope > 0 else None


def line(points: Sequence[Point]) -> tuple[float, float]:
    """Return start and slope of the straight line nearest to the points, by least squares."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def value_at(points: Sequence[Point], x: float) -> float:
    """Return the value of that line; never less than what was measured at most, since nothing gets cheaper."""
    start, slope = line(points)
    return start + slope * x if slope > 0 else max(y for _, y in points)


def parts(growth: Sequence[Mapping[str, Any]], machine: Machine) -> list[Part]:
    """Return everything that was measured at each size and has a bound, the one that reaches it first in front."""
    found = [part for part in _all(growth, machine) if len(part.points) == len(growth)]
    return sorted(found, key=lambda part: (part.reached_at is None, part.reached_at or 0))


def _all(growth: Sequence[Mapping[str, Any]], machine: Machine) -> Iterator[Part]:
    yield Part("CPU of the machine, idle", "% of a core", 100.0 * machine.cores, _points(growth, "idle_cpu_percent"))
    for kind in sorted(growth[0]["idle_cpu_percent_of"]):
        points = [(row["schedules"], row["idle_cpu_percent_of"].get(kind, 0.0)) for row in growth]
        yield Part(f"CPU of {kind}, idle", "% of a core", 100.0 * _cores_of(kind, machine), points)
    yield Part("a worker's poll, against the time between two", "ms", machine.poll_ms, _points(growth, "poll_ms"))
    yield Part("a look for drift, against the time between two", "s", machine.look_s, _points(growth, "look_s"))
    # Every schedule is looked at once a day, as often as most of them are due.
    tour = [(size, seconds / machine.share) for size, seconds in _points(growth, "reconcile_s")]
    yield Part("reading on through all schedules, against a day", "s", 86_400.0, tour)
    memory = [(row["schedules"], sum(row["memory_mb_of"].values())) for row in growth if row.get("memory_mb_of")]
    yield Part("memory of everything", "MB", machine.memory_mb, memory)
    connections = _points(growth, "connections")
    yield Part("connections of Postgres", "connections", float(machine.connections), connections)
    speeds = [row["planned_per_s"] for row in growth if row.get("planned_per_s")]
    if speeds:
        planning = [(row["schedules"], row["schedules"] / min(speeds)) for row in growth]
        yield Part("planning one run of each schedule, against a day", "s", 86_400.0, planning)


def _points(growth: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    return [(row["schedules"], row[name]) for row in growth if row.get(name) is not None]


def _cores_of(kind: str, machine: Machine) -> int:
    if kind in ONE_CORE:
        return 1
    if kind in _SEVERAL_PROCESSES:
        return machine.cores
    return min(machine.cores, machine.processes.get(kind, 1))
