"""`make bench-api`: people at the API, and api.json.

USERS=200 THINK=2 SCHEDULES=10000 WARM_UP=30 SECONDS=60 RATE_SECONDS=10 PROCESSES=2 can be set. The API has processes of
its own on SQLite; Prefect is down, so that only our own work is measured: a change answers without waiting for Prefect,
as it does whenever Prefect takes longer than a moment. RATE_SECONDS=0 leaves the search for the highest rate out.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench.api import data
from bench.api.guard import guard_ms
from bench.api.load import Measured, highest_rate, people
from bench.peak.waiting import say
from bench.serving import serving, settings_in

OUT = Path(__file__).parents[1] / "out" / "api.json"
WITHIN_MS = 150.0


def _number(name: str, default: float) -> float:
    return float(os.environ.get(name, "") or default)


async def measure(folder: Path) -> dict[str, Any]:
    """Return the figures."""
    users, think, schedules = int(_number("USERS", 200)), _number("THINK", 2), int(_number("SCHEDULES", 10_000))
    seconds, rate_seconds = _number("SECONDS", 60), _number("RATE_SECONDS", 10)
    settings = settings_in(folder)
    began = time.monotonic()
    persons = await data.fill(settings, users, schedules)
    say(f"{users} people and {schedules:,} schedules, stored in {time.monotonic() - began:.0f} s")
    processes = int(_number("PROCESSES", 2))
    with serving(settings, processes=processes) as served:
        say(f"everybody asks for {seconds:.0f} s")
        cpu = served.cpu_seconds()
        found = await people(served.url, persons, think=think, seconds=seconds, warm_up=_number("WARM_UP", 30))
        cpu_ms = 1000 * (served.cpu_seconds() - cpu) / max(found.asked, 1)
        highest = 0.0
        tried: list[tuple[float, float]] = []
        if rate_seconds:
            say(f"the rate rises while the p95 stays within {WITHIN_MS:.0f} ms")
            highest, tried = await highest_rate(served.url, persons, within_ms=WITHIN_MS, seconds=rate_seconds)
    say("the guard alone")
    return {
        "users": users,
        "think_s": think,
        "schedules": schedules,
        "api_processes": processes,
        "p50_ms": found.quantile_ms(50),
        "p95_ms": found.quantile_ms(95),
        "p99_ms": found.quantile_ms(99),
        "errors": sum(found.errors.values()),
        "rps": found.rate(),
        "cpu_ms": round(cpu_ms, 2),
        "guard_ms": await guard_ms(settings, persons),
        "highest_rps": highest or None,
        "rates": [{"rps": rate, "p95_ms": p95} for rate, p95 in tried],
        "requests": len(found.every),
        "by_request": _by_request(found),
        "what_went_wrong": dict(found.errors.most_common(10)),
    }


def _by_request(found: Measured) -> dict[str, dict[str, float]]:
    return {
        kind: {"count": len(times), "p50_ms": found.quantile_ms(50, kind), "p95_ms": found.quantile_ms(95, kind)}
        for kind, times in sorted(found.times.items())
    }


def main() -> None:
    """Measure, print, and write the file."""
    with tempfile.TemporaryDirectory(prefix="bench-api-") as folder:
        figures = uvloop.run(measure(Path(folder) / "data"))
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({**figures, **about}, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    print(f"Written to {OUT}")


if __name__ == "__main__":
    main()
