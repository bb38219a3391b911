"""Part `peak`: N schedules due at one minute, through the whole stack."""

from __future__ import annotations

from typing import Any

from bench.peak import registering, work
from bench.peak.bound import Bound
from bench.peak.measuring import ended_query, quantiles, watch
from bench.peak.options import Options
from bench.peak.stack import Stack, renderings
from bench.peak.waiting import say

PREFIX = "bench"


def measure(stack: Stack, options: Options, bound: Bound) -> dict[str, Any]:
    """Measure what it takes until the last receipt."""
    n = options.n
    due = registering.due_minute(n)
    say(f"peak: {n} schedules over {options.reports} reports, all due at {due:%H:%M}")
    registering.register(stack, n, options.reports, lambda _: work.at(due), PREFIX, bound)
    registering.runs_inserted(stack, n, due, due, bound)
    stack.sink.clear()
    ended = ended_query(PREFIX)
    found = watch(stack.sink, stack.roots, due, n, lambda: stack.backend.count(ended), bound)
    return {
        "delivered": found.delivered,
        "duplicates": found.duplicates,
        "throughput_per_s": found.throughput,
        "lateness_s": quantiles(found.late),
        "engine_cpu_s_per_run": round(found.cpu.get("server", 0) + found.cpu.get("worker", 0), 4),
        "cpu_s_per_run": {"server": None, "worker": None, "database": None, **found.cpu},
        "worker_pss_mb": found.pss_mb.get("worker"),
        "renderings": renderings(stack.data / "logs" / "renderers.log", PREFIX),
        **found.note,
    }
