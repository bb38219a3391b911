"""`make bench-retention` (N=1000000, BACKEND=sqlite|postgres): remove a long history while runs go on beside it.

N executions of 500 days ago, each with a delivery and an attempt, are removed by a process of its own. Beside it, five
times a second, another one writes what a run writes, in five transactions, and notes how long each took. Writes
bench/out/retention.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Shown
from sqlalchemy import update

from bench.peak.backends import opened
from bench.retention import history
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.migrations import upgrade
from mailroom.storage.tables import Attempt, Delivery, Execution

OUT = Path(__file__).parents[1] / "out" / "retention.json"
RUNS_PER_SECOND = 5
_SCHEDULES = 1000
_say = Console(stderr=True).print


async def one_run(database: Database, schedule: str, waits: list[float]) -> None:
    """Write what a run with one delivery writes, in five transactions; add to `waits` how long each of them took."""
    now, execution, delivery, attempt = datetime.now(UTC), new_id(), new_id(), new_id()
    made = Execution(id=execution, schedule_id=schedule, due_at=now, status=ExecutionState.RUNNING, created_at=now)
    planned = Delivery(
        id=delivery,
        execution_id=execution,
        position=0,
        channel="email",
        connection="corp-smtp",
        recipient="ada@example.com",
        key=delivery,
        destination={},
        created_at=now,
    )
    tried = Attempt(id=attempt, delivery_id=delivery, number=1, started_at=now)
    confirmed = update(Delivery).where(Delivery.id == delivery).values(status=DeliveryState.DELIVERED, delivered_at=now)
    settled = update(Execution).where(Execution.id == execution)
    steps = (made, planned, tried, confirmed, settled.values(status=ExecutionState.SUCCESS, completed_at=now))
    for step in steps:
        begun = time.monotonic()
        async with database.session() as session:
            if isinstance(step, Execution | Delivery | Attempt):
                session.add(step)
            else:
                await session.execute(step)
        waits.append(time.monotonic() - begun)


async def runs(url: str, schedules: list[str], ended: asyncio.Event) -> list[float]:
    """Write runs at the same pace until the removal has ended; return how long each transaction took, in seconds."""
    database, waits, number = Database(url), [0.0], 0
    under_way: set[asyncio.Task[None]] = set()
    try:
        while not ended.is_set():
            task = asyncio.create_task(one_run(database, schedules[number % len(schedules)], waits))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            number += 1
            await asyncio.sleep(1 / RUNS_PER_SECOND)
        await asyncio.gather(*under_way)
    finally:
        await database.close()
    return sorted(waits)


async def measure(url: str, count: int) -> dict[str, Any]:
    """Fill the database, remove, and return what was measured."""
    database = Database(url)
    await upgrade(database)
    now = datetime.now(UTC)
    schedules = await history.schedules(database, min(_SCHEDULES, count), now=now)
    each = count // len(schedules)
    begun = time.monotonic()
    await history.executions(database, schedules, each, since=now - timedelta(days=500))
    await database.close()
    _say(f"{each * len(schedules):,} executions written in {time.monotonic() - begun:.0f} s; removing …")
    command = [sys.executable, "-m", "bench.retention.remover", url]
    ended = asyncio.Event()
    beside = asyncio.create_task(runs(url, schedules, ended))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    ended.set()
    waits = await beside
    if process.returncode:
        raise SystemExit(f"The removal ended with status {process.returncode}.")
    return {
        "database": url.partition(":")[0].partition("+")[0],
        "rows": 3 * each * len(schedules),
        **json.loads(told),
        "runs": len(waits) // 5,
        "longest_wait_ms": round(waits[-1] * 1000),
        "p99_wait_ms": round(waits[int(len(waits) * 0.99) - 1] * 1000),
    }


@contextmanager
def _database(backend: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="mailroom-retention-") as folder, opened(backend, Path(folder)) as made:
        yield made.url("mailroom", "asyncpg") if made.postgres else f"sqlite+aiosqlite:///{folder}/mailroom.db"


def main() -> None:
    """Measure, print a table and write the JSON."""
    count, backend = int(os.environ.get("N") or 1_000_000), os.environ.get("BACKEND") or "sqlite"
    if backend not in ("sqlite", "postgres"):
        raise SystemExit(f"BACKEND is {backend!r}; it must be sqlite or postgres.")
    needed, free = count * 4_000, shutil.disk_usage(tempfile.gettempdir()).free
    if free < needed:
        room = f"{needed // 1_000_000:,} MB are needed, and {free // 1_000_000:,} are free"
        raise SystemExit(f"In {tempfile.gettempdir()} {room}. Set TMPDIR to another folder, or a smaller N.")
    with _database(backend) as url:
        found = asyncio.run(measure(url, count))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")
    shown = Shown("what", "measured", title="Removing a long history")
    for name, value in found.items():
        shown.add_row(name, str(value))
    Console().print(shown)


if __name__ == "__main__":
    main()
