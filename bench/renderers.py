"""Measures the pool of renderers: `python -m bench.renderers [--jobs 100] [--renderers 2] [--singly 10]`.

The sample report carrier-punctuality as PDF and XLSX, from the sample flights (made in a folder that is removed, or
`--flights FILE`). Each job is due at another minute, so that none is the same. Beside it, as a rival: a fresh process
for each job. Memory is of each renderer after the last job (Linux). Writes bench/out/renderers.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from embedded.samples import load_flights
from mailroom.rendering.job import RenderJob
from mailroom.rendering.renderers.pool import Pool
from mailroom.reports.folders.folder import load_catalog
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.settings import CHECKOUT

OUT = Path(__file__).parent / "out" / "renderers.json"
ZONE = "America/New_York"
Render = Callable[[RenderJob], Awaitable[object]]


def job_of(definition: ReportDefinition, flights: Path, folder: Path, number: int) -> RenderJob:
    """The job of the minute `number`."""
    due_at = datetime(2013, 4, 1, 13, tzinfo=UTC) + timedelta(minutes=number)
    return RenderJob(
        definition=definition,
        parameters=resolve_parameters(definition.parameters, {}, due_at, ZONE),
        formats=[Format.PDF, Format.XLSX],
        due_at=due_at,
        timezone=ZONE,
        access={"kind": "sql", "url": f"sqlite:///{flights}", "statement_timeout": 60},
        folder=folder / str(number),
    )


async def rate(jobs: list[RenderJob], render: Render, at_once: int) -> float:
    """Jobs a second, `at_once` of them at a time."""
    slots = asyncio.Semaphore(at_once)

    async def one(job: RenderJob) -> None:
        async with slots:
            await render(job)

    started = time.perf_counter()
    await asyncio.gather(*map(one, jobs))
    return len(jobs) / (time.perf_counter() - started)


async def singly(job: RenderJob) -> None:
    """The job in a fresh process."""
    async with Pool(1, warm=False) as pool:
        await pool.render(job)


def memory_mb() -> list[dict[str, float]]:
    """Resident and proportional size of each renderer process."""
    sizes = []
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # One that is replaced just now.
            if "mailroom.rendering.renderers.child" in process.cmdline():
                sizes.append(process.memory_full_info())
    return [{"rss": round(size.rss / 1e6, 1), "pss": round(size.pss / 1e6, 1)} for size in sizes]


async def measure(flights: Path, folder: Path, jobs: int, renderers: int, alone: int) -> dict[str, object]:
    """All figures."""
    definition = load_catalog(CHECKOUT / "catalog").reports["carrier-punctuality"]
    todo = [job_of(definition, flights, folder, number) for number in range(renderers + jobs + alone)]
    started = time.perf_counter()
    async with Pool(renderers) as pool:
        await rate(todo[:renderers], pool.render, renderers)
        ready = time.perf_counter() - started
        before = memory_mb()
        pooled = await rate(todo[renderers : renderers + jobs], pool.render, renderers)
        after = memory_mb()
    rival = await rate(todo[renderers + jobs :], singly, renderers) if alone else None
    return {
        "renderers": renderers,
        "jobs": jobs,
        "first_results_s": round(ready, 2),
        "pool_per_s": round(pooled, 2),
        "process_a_job_per_s": round(rival, 2) if rival else None,
        "memory_mb_before": before,
        "memory_mb_after": after,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Measure the pool of renderers.")
    parser.add_argument("--jobs", type=int, default=100, help="jobs for the pool")
    parser.add_argument("--renderers", type=int, default=2, help="renderer processes")
    parser.add_argument("--singly", type=int, default=10, help="jobs for the rival; 0 leaves it out")
    parser.add_argument("--flights", type=Path, help="the sample database, where it has been made already")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        flights = asked.flights or Path(folder) / "flights.db"
        if not asked.flights:
            load_flights(flights)
        figures = asyncio.run(measure(flights, Path(folder), asked.jobs, asked.renderers, asked.singly))
    print(json.dumps(figures, indent=2))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
