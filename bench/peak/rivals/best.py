"""A sample of schedules in several rounds, of which the best counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psutil

from bench.peak.bound import Bound
from bench.peak.measuring import Outcome, ended_query, watch
from bench.peak.result import EARLY
from bench.peak.stack import Stack
from bench.peak.waiting import EndedEarly, say


def round_of(
    stack: Stack, due: datetime, n: int, prefix: str, bound: Bound, also: Sequence[psutil.Process] = ()
) -> Outcome:
    """Watch one round: schedules with this prefix, due at that minute; `also` are processes beside the stack's."""
    ended = ended_query(prefix)
    return watch(stack.sink, [*stack.roots, *also], due, n, lambda: stack.backend.count(ended), bound)


def rounds(limits: Sequence[int], seconds: float, one: Callable[[int, Bound], Outcome]) -> dict[str, Any]:
    """Run a round with each limit, each within so many seconds, and return the best one's figures.

    A round that ended early leaves work behind that would disturb the next, so it is the last.
    """
    found: list[tuple[int, Outcome]] = []
    note = ""
    for limit in limits:
        try:
            found.append((limit, one(limit, Bound(seconds))))
            note = found[-1][1].note.get(EARLY, "")
        except EndedEarly as ended:
            note = str(ended)
        if note:
            note = f"in the round with {limit} at once, {note}"
            break
    return figures(found) | ({EARLY: note} if note else {})


def figures(found: Sequence[tuple[int, Outcome]]) -> dict[str, Any]:
    """Return those of the round with the highest throughput, of pairs of (limit, outcome). Pure.

    One that ended early counts only where there is no whole one.
    """
    if not found:
        return {}
    limit, best = max(found, key=lambda pair: (pair[1].gave_up_after is None, pair[1].throughput or 0))
    say(f"best at {limit} at once: {best.throughput} a second")
    return {
        "throughput_per_s": best.throughput,
        "n": best.n,
        "limit": limit,
        "delivered": best.delivered,
        "duplicates": best.duplicates,
        "cpu_s_per_run": best.cpu,
    }
