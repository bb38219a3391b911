"""A work pool with flows and real warm workers, as `prefect worker start` runs them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Scheduled

from prefect_mailroom.worker.warm import WarmWorker
from tests.support import processes
from tests.support.waiting import eventually

T = TypeVar("T")

PREFECTS_COMMAND = (str(Path(sys.executable).with_name("prefect")), "worker", "start", "--type", "mailroom-warm")


class WorkPool:
    """A work pool, the flows that it runs in a folder, and the workers that a test starts."""

    client: PrefectClient

    def __init__(self, api: str, folder: Path) -> None:
        self.api, self.folder = api, folder
        self.pool = f"warm-{uuid.uuid4().hex[:8]}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.logs: list[Path] = []

    async def open(self) -> None:
        template = WarmWorker.get_default_base_job_template()
        pool = WorkPoolCreate(name=self.pool, type="mailroom-warm", base_job_template=template)
        await self.client.create_work_pool(pool)

    def write(self, name: str, text: str) -> Path:
        file = self.folder / f"{name}.py"
        text = "from prefect import flow, task\n" + textwrap.dedent(text)
        if not file.exists() or file.read_text() != text:  # A file that was written again is a new version.
            file.write_text(text)
        return file

    async def deploy(self, name: str, text: str | None = None, **more: Any) -> uuid.UUID:
        """Make a deployment of the flow `main` in `name`.py; returns its id."""
        if text is not None:
            self.write(name, text)
        flow_id = await self.client.create_flow_from_name(f"{name}-{self.pool}")
        steps = [{"prefect.deployments.steps.set_working_directory": {"directory": str(self.folder)}}]
        return await self.client.create_deployment(
            flow_id,
            f"{name}-{uuid.uuid4().hex[:6]}",
            **{"entrypoint": f"{name}.py:main", "pull_steps": steps, "work_pool_name": self.pool, **more},
        )

    async def order(self, deployment: uuid.UUID, at: datetime | None = None, **parameters: Any) -> uuid.UUID:
        """Make a run that is due now, or then; returns its id."""
        run = await self.client.create_flow_run_from_deployment(
            deployment, state=Scheduled(scheduled_time=at), parameters=parameters
        )
        return run.id

    async def order_many(self, deployment: uuid.UUID, count: int, **parameters: Any) -> None:
        """Make runs that are due now; their parameter `number` counts them."""
        for number in range(count):
            await self.order(deployment, number=number, **parameters)

    async def all_end(self, deployment: uuid.UUID, count: int, seconds: float = 120) -> list[FlowRun]:
        """Return the runs of a deployment, up to 200, once so many are in a final state."""
        of_it = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))

        async def look() -> list[FlowRun] | None:
            found = await self.client.read_flow_runs(deployment_filter=of_it, limit=200)
            ended = [run for run in found if run.state is not None and run.state.is_final()]
            return ended if len(ended) == count else None

        return await eventually(look, seconds, self.told)

    def start(
        self,
        *,
        limit: int = 2,
        query: float = 0.5,
        environment: dict[str, str] | None = None,
        command: Sequence[str] = PREFECTS_COMMAND,
        name: str | None = None,
    ) -> subprocess.Popen[bytes]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MAILROOM_"))}
        kept |= {
            "PREFECT_API_URL": self.api,
            "PREFECT_HOME": str(self.folder / "home"),
            "PREFECT_WORKER_QUERY_SECONDS": str(query),
            "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.2",
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_MAILROOM_WORKER_GRACE_SECONDS": "10",
            "DO_NOT_TRACK": "1",
            **(environment or {}),
        }
        number = len(self.workers)
        log = self.folder / f"worker{number}.log"
        self.logs.append(log)
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [*command, "--pool", self.pool, "--limit", str(limit), "--name", name or f"w{number}-{self.pool}"],
                env=kept,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(worker)
        return worker

    def told(self) -> str:
        return "\n".join(log.read_text(errors="replace")[-20_000:] for log in self.logs)

    async def until(self, run: uuid.UUID, *types: StateType, seconds: float = 120) -> FlowRun:
        """Return the run once it is in one of these states; by default, in a final one."""
        last: list[object] = []

        async def look() -> FlowRun | None:
            found = await self.client.read_flow_run(run)
            last[:] = [found.state]
            assert found.state is not None
            fits = found.state.type in types if types else found.state.is_final()
            return found if fits else None

        return await eventually(look, seconds, lambda: f"Last seen: {last}\n{self.told()}")

    async def find(self, what: Callable[[], Awaitable[T | None]], seconds: float = 120) -> T:
        """Return the first thing that `what` finds."""
        return await eventually(what, seconds, self.told)

    async def written(self, path: Path, seconds: float = 120) -> str:
        """Return what a flow wrote to a file, once it is there."""

        async def look() -> str | None:
            return path.read_text() if path.exists() and path.read_text() else None

        return await eventually(look, seconds, self.told)

    async def logged(self, run: uuid.UUID, text: str) -> str:
        """Return the first message of the run's logs that contains this text, once it is there."""

        async def look() -> str | None:
            logs = await self.client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])))
            return next((log.message for log in logs if text in log.message), None)

        return await eventually(look, 120, self.told)

    async def gone(self, pid: int, seconds: float = 60) -> None:
        """Wait until a process has ended."""
        await processes.gone(pid, seconds=seconds, told=self.told)

    async def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                await asyncio.to_thread(worker.wait, 40)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@asynccontextmanager
async def opened(api: str, folder: Path) -> AsyncIterator[WorkPool]:
    """Make a work pool without a worker yet; its workers end with the block."""
    async with PrefectClient(api) as client:
        work_pool = WorkPool(api, folder)
        work_pool.client = client
        await work_pool.open()
        try:
            yield work_pool
        finally:
            await work_pool.close()
