"""The figures beside their goals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MET, NOT_MET, NONE = "✓", "✗", "–"
CELERY_NOTE = (
    "The Celery pipeline keeps no ledger and no receipts; a crash between mail and acknowledgement sends twice, and a "
    "missed minute of beat is missed."
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be. `limits` are the first goal and, where there is one, the further one.

    Attributes:
        at_least: whether more is better; otherwise less is.
    """

    name: str
    figure: Callable[[Mapping[str, Any]], Any]
    limits: tuple[float, ...]
    unit: str = ""
    at_least: bool = False

    def met(self, value: float) -> list[bool]:
        """For each of the limits, whether the value is within."""
        return [value >= limit if self.at_least else value <= limit for limit in self.limits]


def _at(*path: str) -> Callable[[Mapping[str, Any]], Any]:
    def look(result: Mapping[str, Any]) -> Any:
        found: Any = result
        for key in path:
            found = found.get(key) if found else None
        return found

    return look


def goals(n: int, backend: str) -> list[Goal]:
    """For a run of this size on this backend."""
    late = (200.0,) if backend == "sqlite" else (150.0, 90.0)
    return [
        Goal("delivered", _at("delivered"), (n,), at_least=True),
        Goal("delivered twice", _at("duplicates"), (0,)),
        Goal("throughput, against the process worker", _at("ratio", "process"), (20, 40), "x", at_least=True),
        Goal("throughput, against flow.serve", _at("ratio", "serve"), (), "x", at_least=True),
        Goal("throughput, against Celery", _at("ratio", "celery"), (1.0,), "x", at_least=True),
        Goal("lateness, p95", _at("lateness_s", "p95"), late, "s"),
        Goal("engine CPU a run", _at("engine_cpu_s_per_run"), (0.18, 0.12), "s"),
        Goal("worker memory (PSS)", _at("worker_pss_mb"), (500,), "MB"),
        Goal("start lag, p99, 20 due a minute", _at("start_lag_p99_s"), (2.0,), "s"),
        Goal("idle: CPU of everything, of one core", _at("idle_10k", "cpu_percent"), (5.0,), "%"),
        Goal("idle: a poll", _at("idle_10k", "poll_ms"), (50.0,), "ms"),
    ]


def row(goal: Goal, result: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Name, figure, goal and marks."""
    value = goal.figure(result)
    sign = "≥" if goal.at_least else "≤"
    wanted = ", then ".join(f"{limit:g}" for limit in goal.limits)
    marks = " ".join(MET if met else NOT_MET for met in goal.met(value)) if value is not None else NONE
    figure = "not run" if value is None else f"{value:g} {goal.unit}".rstrip()
    return goal.name, figure, f"{sign} {wanted} {goal.unit}".rstrip() if goal.limits else NONE, marks or NONE


def lines(result: Mapping[str, Any]) -> list[str]:
    """The table, and what is to be known of it."""
    rows = [("", "figure", "goal", "met")]
    rows += [row(goal, result) for goal in goals(result["n"], result["backend"])]
    widths = [max(len(cells[column]) for cells in rows) for column in range(3)]
    table = [
        f"{cells[0]:{widths[0]}}  {cells[1]:>{widths[1]}}  {cells[2]:{widths[2]}}  {cells[3]}".rstrip()
        for cells in rows
    ]
    told = [f"N={result['n']} REPORTS={result['reports']} on {result['backend']}"]
    if (result["n"], result["reports"]) != (1000, 50):
        told.append("The goals are those of N=1000 REPORTS=50 on 2 cores; at another size the marks say little.")
    speeds = {"Mailroom": result["throughput_per_s"]}
    speeds |= {name: found["throughput_per_s"] for name, found in (result["rivals"] or {}).items() if found}
    told.append("deliveries a second: " + ", ".join(f"{k} {v if v is not None else NONE}" for k, v in speeds.items()))
    if (result["rivals"] or {}).get("celery"):
        told.append(CELERY_NOTE)
    return [*told[:1], "", *table, "", *told[1:]]
