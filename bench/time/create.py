"""1,000 schedules created over REST, a few in flight, on the whole embedded stack: rate, and the time of the answers.

An answer does not wait for Prefect longer than MAILROOM_SYNC_WAIT_SECONDS; how long Prefect then takes to show all of
them is measured as well.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.peak import work
from bench.peak.stack import Stack, up
from bench.peak.waiting import wait_for

COUNT, IN_FLIGHT = 1_000, 4
_PATIENCE = 900


def create(count: int = COUNT, in_flight: int = IN_FLIGHT, backend: str = "sqlite") -> dict[str, float]:
    """The figures of `bench/out/time.json`, key create."""
    with tempfile.TemporaryDirectory(prefix="create-") as folder, up(backend, Path(folder) / "stack") as stack:
        return _measured(stack, count, in_flight)


def _measured(stack: Stack, count: int, in_flight: int) -> dict[str, float]:
    with stack.client as client:
        client.post("/reports", json=work.report(0, "create"))  # Refused where an earlier part made it.

        def one(number: int) -> float:
            timing = {"frequency": "daily", "at": f"{number % 24:02d}:{number % 60:02d}", "timezone": "Europe/Berlin"}
            began = time.monotonic()
            client.post("/schedules/", json=work.schedule(number, 1, timing, "create")).raise_for_status()
            return time.monotonic() - began

        began = time.monotonic()
        with ThreadPoolExecutor(in_flight) as pool:
            answers = list(pool.map(one, range(count)))
        created = time.monotonic() - began
        body = {"flows": {"name": {"any_": ["report-export"]}}}
        wait_for(
            "Every deployment", lambda: stack.ask_prefect("/deployments/count", body).json() >= count, _PATIENCE, 1.0
        )
        synced = time.monotonic() - began
    return {
        "per_s": round(count / created, 1),
        "p95_ms": round(statistics.quantiles(answers, n=20, method="inclusive")[18] * 1000, 1),
        "in_flight": in_flight,
        "in_step_per_s": round(count / synced, 1),
    }


if __name__ == "__main__":
    n, flying = int(os.environ.get("COUNT", COUNT)), int(os.environ.get("IN_FLIGHT", IN_FLIGHT))
    print(json.dumps({"create": create(n, flying, os.environ.get("BACKEND", "sqlite"))}, indent=2))
