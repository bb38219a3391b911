"""Part `idle`: what the whole stack uses while many schedules are registered and none is due."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.peak import programs, registering, work
from bench.peak.bound import Bound
from bench.peak.options import Options
from bench.peak.result import EARLY
from bench.peak.stack import Stack
from bench.peak.usage import Usage
from bench.peak.waiting import EndedEarly, say
from embedded import prefect_settings

PREFIX = "idle"
_POLLS = 30
_CALM_SECONDS = 30


def measure(stack: Stack, options: Options, bound: Bound) -> dict[str, Any]:
    """Measure the CPU of everything together in percent of one core, and the median of the worker's polls."""
    first = datetime.now(UTC) + timedelta(hours=12)
    registering.register(stack, 1, 1, lambda _: work.at(first), PREFIX, bound)
    say(f"idle: registering {options.idle} schedules")
    _multiply(stack, options.idle, bound)
    _wait_for_runs(stack, options.idle, bound)
    bound.sleep(_CALM_SECONDS, "the stack came to rest")
    usage, began = Usage(), time.monotonic()
    usage.sample(stack.roots)
    before = dict(usage.cpu)
    say(f"idle for {options.idle_seconds} s")
    note = {}
    try:
        bound.sleep(options.idle_seconds, "idling")
    except EndedEarly as ended:
        note = {EARLY: str(ended)}
    usage.sample(stack.roots)
    seconds = time.monotonic() - began
    percent = {part: round(100 * spent / seconds, 2) for part, spent in usage.since(before).items()}
    polls = asyncio.run(polls_of(stack.prefect, stack.data / "prefect"))
    found = {
        "cpu_percent": round(sum(percent.values()), 2),
        "poll_ms": round(statistics.median(polls), 1),
        "schedules": options.idle,
        "cpu_percent_of": percent,
    }
    say(f"idle: {found}")
    return {"idle_10k": found, **note}


def _multiply(stack: Stack, n: int, bound: Bound) -> None:
    """Copy the one schedule that came over REST, in our tables and Prefect's; by REST it is a quarter of an hour."""
    log = stack.data.parent / "copies.log"
    command = [sys.executable, "-m", "bench.peak.copies", str(n)]
    with programs.running(command, stack.environment, log) as process:
        # It ends by itself; with a status, `must_run` tells it.
        bound.wait_for(f"The copies of {n} schedules", lambda: process.poll() is not None, 600)
        if process.returncode != 0:
            programs.must_run(process, log)
    rows = stack.backend.count(f"SELECT count(*) FROM export_schedules WHERE name LIKE '{PREFIX} %'")
    deployments = _count(stack, "/deployments/count", {})
    if min(rows, deployments) < n:
        raise SystemExit(f"{rows} schedules and {deployments} deployments are there instead of {n}; see {log}.")


def _wait_for_runs(stack: Stack, n: int, bound: Bound) -> None:
    """Prefect's scheduler inserts one run for each; that is work, and over before idling begins."""
    told = 0

    def inserted() -> bool:
        nonlocal told
        found = _count(stack, "/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}})
        if found >= told + max(n // 10, 1):
            told = found
            say(f"Prefect's scheduler has inserted {found} runs")
        return found >= n

    bound.wait_for(f"{n} runs", inserted, 120 + n / 5, every=5)


def _count(stack: Stack, path: str, body: object) -> int:
    return int(stack.ask_prefect(path, body).json())


async def polls_of(prefect: str, home: Path) -> list[float]:
    """Milliseconds of the worker's poll requests to this Prefect, asked one after the other."""
    os.environ.update(prefect_settings.CLIENT | {"PREFECT_HOME": str(home)})
    from prefect.client.orchestration import PrefectClient  # noqa: PLC0415  it reads the environment when imported

    from prefect_mailroom.worker.backlog import due_runs  # noqa: PLC0415  as above

    taken = []
    async with PrefectClient(prefect) as client:
        for number in range(_POLLS + 1):
            before, began = datetime.now(UTC) + timedelta(seconds=10), time.perf_counter()
            await due_runs(client, "mailroom", frozenset(), before, Counter())
            if number:  # The first one opens the connection.
                taken.append((time.perf_counter() - began) * 1000)
    return taken
