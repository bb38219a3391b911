"""A sample of schedules in several rounds, of which the best counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psutil

from bench.peak.measuring import Outcome, ended_query, watch
from bench.peak.stack import Stack
from bench.peak.waiting import say

# A run of these rivals takes seconds of CPU; one that takes longer than this has been lost.
_SECONDS_A_RUN = 40


def round_of(stack: Stack, due: datetime, n: int, prefix: str, also: Sequence[psutil.Process] = ()) -> Outcome:
    """One round: schedules with this prefix, due at that minute; `also` are processes beside the stack's."""
    ended = ended_query(prefix)
    roots = [*stack.roots, *also]
    return watch(stack.sink, roots, due, n, lambda: stack.backend.count(ended), 120 + n * _SECONDS_A_RUN)


def figures(rounds: Iterable[tuple[int, Outcome]]) -> dict[str, Any]:
    """The round with the highest throughput, of pairs of (limit, outcome). Pure."""
    limit, found = max(rounds, key=lambda pair: pair[1].throughput or 0)
    say(f"best at {limit} at once: {found.throughput} a second")
    return {
        "throughput_per_s": found.throughput,
        "n": found.n,
        "limit": limit,
        "delivered": found.delivered,
        "duplicates": found.duplicates,
        "cpu_s_per_run": found.cpu,
    }
