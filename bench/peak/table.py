"""The figures beside their goals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.peak.result import EARLY

MET, NOT_MET, NONE = "✓", "✗", "–"
CELERY_NOTE = (
    "The Celery pipeline keeps no ledger and no receipts; a crash between mail and acknowledgement sends twice, and a "
    "missed minute of beat is missed."
)


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal of a figure. `limits` has the first goal and, if there is one, a more ambitious one.

    Attributes:
        parts: those that the figure is from.
        at_least: whether more is better; otherwise less is.
    """

    name: str
    parts: tuple[str, ...]
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
        Goal("delivered", ("peak",), _at("delivered"), (n,), at_least=True),
        Goal("delivered twice", ("peak",), _at("duplicates"), (0,)),
        Goal(
            "throughput, against the process worker",
            ("peak", "process"),
            _at("ratio", "process"),
            (20, 40),
            "x",
            at_least=True,
        ),
        Goal("throughput, against flow.serve", ("peak", "serve"), _at("ratio", "serve"), (), "x", at_least=True),
        Goal("throughput, against Celery", ("peak", "celery"), _at("ratio", "celery"), (1.0,), "x", at_least=True),
        Goal("lateness, p95", ("peak",), _at("lateness_s", "p95"), late, "s"),
        Goal("engine CPU a run", ("peak",), _at("engine_cpu_s_per_run"), (0.18, 0.12), "s"),
        Goal("worker memory (PSS)", ("peak",), _at("worker_pss_mb"), (500,), "MB"),
        Goal("start lag, p99, 20 due a minute", ("lag",), _at("start_lag_p99_s"), (2.0,), "s"),
        Goal("idle: CPU of everything, of one core", ("idle",), _at("idle_10k", "cpu_percent"), (5.0,), "%"),
        Goal("idle: a poll", ("idle",), _at("idle_10k", "poll_ms"), (50.0,), "ms"),
    ]


def row(goal: Goal, result: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Name, figure, goal and marks."""
    value = goal.figure(result)
    sign = "≥" if goal.at_least else "≤"
    wanted = ", then ".join(f"{limit:g}" for limit in goal.limits)
    early = any(part in result[EARLY] for part in goal.parts)
    # What came in time may be within a goal that the whole would miss.
    met = NONE if early else MET
    marks = " ".join(met if within else NOT_MET for within in goal.met(value)) if value is not None else NONE
    figure = f"{value:g} {goal.unit}".rstrip() if value is not None else "none" if early else "not run"
    if early:
        figure += ", ended early"
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
    told.append("deliveries a second: " + ", ".join(_speeds(result)))
    if (result["rivals"] or {}).get("celery"):
        told.append(CELERY_NOTE)
    early = [f"{part} ENDED EARLY {why}. Its figures are partial." for part, why in result[EARLY].items()]
    return [*told[:1], *early, "", *table, "", *told[1:]]


def _speeds(result: Mapping[str, Any]) -> Iterator[str]:
    """Throughput of the stack, and of each rival that was run."""
    found = {"peak": result, **{name: rival for name, rival in (result["rivals"] or {}).items() if rival}}
    for part, figures in found.items():
        speed = figures.get("throughput_per_s")
        name = "Mailroom" if part == "peak" else part
        yield f"{name} {NONE if speed is None else speed}{' (ended early)' if part in result[EARLY] else ''}"
