"""A pass over 10,000 schedules that are in step, against a real embedded Prefect server on SQLite.

Every deployment is read and compared (`seconds`); the usual pass of each minute reads what changed, counts, and reads
on for a share of the time. Memory is what the pass adds to this process; a block is how long its loop stood still.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate

from bench.peak.waiting import free_ports
from deployments.reconcile import Reconciler
from embedded import prefect_settings
from mailroom.access.service import ensure_default_user
from mailroom.context import Context
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.migrations import upgrade
from mailroom.storage.tables import Connection

COUNT = 10_000
_BODY = {
    "name": "idle 0",
    "report_id": "orders",
    "timing": {"frequency": "cron", "expression": "0 9 * * *", "timezone": "UTC"},
    "formats": ["csv"],
    "destinations": [{"channel": "folder", "connection": "shared"}],
}
_REPORT = {
    "id": "orders",
    "title": "Orders",
    "source": {"kind": "sql", "connection": "warehouse", "queries": {"orders": "SELECT 1 AS one"}},
    "formats": ["csv"],
}


@contextmanager
def prefect(settings: Settings) -> Iterator[psutil.Process]:
    """The embedded server; its scheduler is off, since nothing is to be planned for the copies."""
    environment = prefect_settings.base_environment() | prefect_settings.server_environment(settings, "x" * 44)
    environment |= {"PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false"}
    command = [sys.executable, "-m", "embedded.prefect_server", "server", "start"]
    command += ["--host", "127.0.0.1", "--port", str(settings.prefect_port)]
    with (settings.data_dir / "prefect.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 120
            while not _healthy(settings.prefect_api):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"Prefect did not start; see {log.name}.")
                time.sleep(0.3)
            yield psutil.Process(server.pid)
        finally:
            server.terminate()
            server.wait(30)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


class Watch:
    """Peak memory of this process and the longest standstill of its loop, while the block runs."""

    def __init__(self) -> None:
        self.extra_mb = self.longest_block_ms = self.seconds = 0.0

    async def __aenter__(self) -> Watch:
        own = psutil.Process()
        self._base, self._begun, self._over = own.memory_info().rss, time.monotonic(), threading.Event()

        def sample() -> None:
            while not self._over.wait(0.01):
                self.extra_mb = max(self.extra_mb, (own.memory_info().rss - self._base) / 2**20)

        self._thread = threading.Thread(target=sample)
        self._thread.start()
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def _tick(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            self.longest_block_ms = max(self.longest_block_ms, (time.monotonic() - before - 0.005) * 1000)

    async def __aexit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._begun
        self._ticker.cancel()
        self._over.set()
        self._thread.join()


async def _filled(settings: Settings, database: Database, count: int) -> None:
    """One schedule through the domain and the reconciler; the others are its copies, here and in Prefect."""
    await upgrade(database)
    now = datetime.now(UTC)
    async with database.session() as session:
        owner = await ensure_default_user(session, now, settings)
        session.add(Connection(name="shared", kind="folder", block_type_slug="x", created_at=now, updated_at=now))
        await report_repository.save(session, ReportDefinition.model_validate(_REPORT), now=now)
    async with PrefectClient(settings.prefect_api) as client:
        await client.create_work_pool(WorkPoolCreate(name=settings.work_pool, type="process"))
    reconciler = Reconciler(database, settings)
    async with database.session() as session:
        row = await schedules.create(session, read_spec(_BODY), Context(owner, now, settings))
    if not await reconciler.settle_schedule(row.id):
        raise SystemExit("The first schedule did not reach Prefect.")
    await reconciler.close()
    environment = {
        **prefect_settings.base_environment(),
        **prefect_settings.server_environment(settings, "x" * 44),
        "MAILROOM_DATA_DIR": str(settings.data_dir),
        "MAILROOM_PREFECT_PORT": str(settings.prefect_port),
    }
    copies = [sys.executable, "-m", "bench.peak.copies", str(count)]
    subprocess.run(copies, env={**os.environ, **environment}, check=True)


async def measure(count: int = COUNT) -> dict[str, float]:
    """The figures of `bench/out/time.json`, key reconcile_10k."""
    with tempfile.TemporaryDirectory(prefix="reconcile-") as folder:
        settings = Settings(
            data_dir=Path(folder), prefect_port=free_ports(1)[0], sync_wait_seconds=30, drift_every_seconds=60
        )
        database = Database(settings.database)
        try:
            with prefect(settings) as server:
                await _filled(settings, database, count)
                return await _measured(settings, database, server)
        finally:
            await database.close()


async def _measured(settings: Settings, database: Database, server: psutil.Process) -> dict[str, float]:
    reconciler = Reconciler(database, settings)
    try:
        await reconciler.repair(seconds=0)  # Imports, connections and caches are there from now on.
        async with Watch() as usual:
            different = await reconciler.repair(seconds=0.6)
        cpu, own = server.cpu_times(), time.process_time()
        reconciler._drift_finder._after = ""
        async with Watch() as full:
            different += await reconciler.repair(seconds=math.inf)
        after = server.cpu_times()
        if different:
            raise SystemExit(f"{different} schedules were not in step.")
    finally:
        await reconciler.close()
    return {
        "seconds": round(full.seconds, 2),
        "extra_mb": round(full.extra_mb, 1),
        "own_cpu_s": round(time.process_time() - own, 2),
        "prefect_cpu_s": round(after.user + after.system - cpu.user - cpu.system, 2),
        "longest_block_ms": round(full.longest_block_ms, 1),
        "usual_pass_s": round(usual.seconds, 2),
    }


def reconcile_10k() -> dict[str, float]:
    """See the module."""
    return asyncio.run(measure(int(os.environ.get("COUNT", COUNT))))


if __name__ == "__main__":
    print(json.dumps({"reconcile_10k": reconcile_10k()}, indent=2))
