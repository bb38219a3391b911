"""Rival (a): Prefect's process worker, which starts an interpreter for each run. Everything else is our stack."""

from __future__ import annotations

from typing import Any

from bench.peak import registering, work
from bench.peak.bound import Bound, seconds
from bench.peak.measuring import Outcome
from bench.peak.options import Options
from bench.peak.rivals.best import round_of, rounds
from bench.peak.stack import Stack
from bench.peak.waiting import say


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """Measure the best of a round with each limit. The stack's worker is of type process, with the largest of them."""

    def one(limit: int, bound: Bound) -> Outcome:
        return _round(stack, options, limit, bound)

    return rounds(options.limits, seconds("process", options), one)


def _round(stack: Stack, options: Options, limit: int, bound: Bound) -> Outcome:
    n, prefix = options.sample, f"process{limit}"
    stack.ask_prefect("/work_pools/mailroom", {"concurrency_limit": limit}, "PATCH")
    due = registering.due_minute(n)
    say(f"process worker: {n} schedules, {limit} at once, due at {due:%H:%M}")
    registering.register(stack, n, options.reports_of(n), lambda _: work.at(due), prefix, bound)
    registering.runs_inserted(stack, n, due, due, bound)
    stack.sink.clear()
    return round_of(stack, due, n, prefix, bound)
