"""Measure the cost of a worker itself: an empty flow through Prefect's process worker and through `mailroom-warm`.

`python -m bench.overhead [--warm 200] [--process 30] [--limit 4]`. One Prefect server on SQLite with the settings of
`mailroom up`; for each worker, N runs of one deployment all due at the same second. runs/s counts from that second to
the end of the last run; CPU seconds are those of the whole process tree, divided by N; PSS is the memory of the warm
children while they are busy, shared pages divided among those that share them. Writes bench/out/overhead.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter, FlowRunFilterState
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Scheduled

from embedded.prefect_settings import CLIENT, SERVER, WORKER, base_environment
from prefect_mailroom.worker.warm import WarmWorker

OUT = Path(__file__).parent / "out" / "overhead.json"
FLOW = "from prefect import flow\n\n\n@flow\nasync def empty() -> None:\n    pass\n"
PREFECT = str(Path(sys.executable).with_name("prefect"))


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and of everything that it started, including what has ended."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def pss_mb(process: psutil.Process) -> float:
    """Proportional memory of one process, in MB."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def grandchildren(process: psutil.Process) -> list[psutil.Process]:
    """Return the children of its children, without those of one that ends meanwhile."""
    found: list[psutil.Process] = []
    for child in process.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            found += child.children()
    return found


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path, log: str) -> Iterator[psutil.Popen]:
    """A program for the time of a block."""
    with (folder / log).open("wb") as output:
        process = psutil.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait()


def until_healthy(url: str, server: psutil.Popen) -> None:
    """Wait for the server, two minutes at most."""
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=2, trust_env=False).is_success:
                return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise SystemExit("The Prefect server did not start.")


async def all_done(client: PrefectClient, deployment: uuid.UUID, runs: int, worker: psutil.Process) -> float:
    """Wait until so many runs are final; returns the most memory in MB that the worker's grandchildren had."""
    final = {"any_": [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]}
    most = 0.0
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        done = await client.count_flow_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState.model_validate({"type": final})),
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        )
        most = max(most, sum(pss_mb(child) for child in grandchildren(worker)))
        if done >= runs:
            return most
        await asyncio.sleep(1)
    raise SystemExit(f"Only {done} of {runs} runs ended within 15 minutes.")


async def read_all(client: PrefectClient, deployment: uuid.UUID) -> list[FlowRun]:
    """Every run of a deployment."""
    found: list[FlowRun] = []
    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    while page := await client.read_flow_runs(deployment_filter=only, limit=200, offset=len(found)):
        found += page
    return found


async def measure(url: str, folder: Path, kind: str, runs: int, limit: int, server: psutil.Popen) -> dict[str, Any]:
    """One worker type, one number of runs."""
    environment = base_environment() | CLIENT | WORKER | {"PREFECT_API_URL": url, "PREFECT_HOME": str(folder / "home")}
    command = [PREFECT, "worker", "start", "--type", kind, "--pool", kind, "--limit", str(limit)]
    async with PrefectClient(url) as client:
        template = WarmWorker.get_default_base_job_template() if kind == WarmWorker.type else {}
        await client.create_work_pool(WorkPoolCreate(name=kind, type=kind, base_job_template=template))
        deployment = await client.create_deployment(
            await client.create_flow_from_name("empty"),
            kind,
            entrypoint="empty_flow.py:empty",
            pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}],
            work_pool_name=kind,
        )
        with running(command, environment, folder, f"{kind}.log") as worker:
            await client.create_flow_run_from_deployment(deployment)
            await all_done(client, deployment, 1, worker)  # So that starting up is not part of the figures.
            due = datetime.now(UTC) + timedelta(seconds=10 + runs * 0.1)
            for _ in range(runs):
                await client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=due))
            if datetime.now(UTC) > due:
                raise SystemExit("The machine is too busy: the runs were due before they were created.")
            await asyncio.sleep((due - datetime.now(UTC)).total_seconds() - 5)
            before = {"server": cpu_seconds(server), "worker": cpu_seconds(worker)}
            most = await all_done(client, deployment, runs + 1, worker)
            used = {"server": cpu_seconds(server) - before["server"], "worker": cpu_seconds(worker) - before["worker"]}
        ended = await read_all(client, deployment)
    completed = [
        run for run in ended if run.state is not None and run.state.is_completed() and run.end_time is not None
    ]
    last = max(run.end_time.timestamp() for run in completed if run.end_time is not None)
    figures = {
        "n": runs,
        "completed": len(completed) - 1,
        "runs_per_s": round(runs / (last - due.timestamp()), 2),
        "cpu_s_per_run": {name: round(seconds / runs, 3) for name, seconds in used.items()},
        "children_pss_mb": round(most, 1) if kind == WarmWorker.type else None,
    }
    print(f"{kind:14}", json.dumps(figures))
    return figures


def main() -> None:
    """Run both and write the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=int, default=200)
    parser.add_argument("--process", type=int, default=30)
    parser.add_argument("--limit", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailroom-bench-") as name:
        folder = Path(name)
        (folder / "empty_flow.py").write_text(FLOW)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}/api"
        environment = base_environment() | CLIENT | SERVER | {"PREFECT_HOME": str(folder / "home")}
        command = [sys.executable, "-m", "embedded.prefect_server", "server", "start"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        with running(command, environment, folder, "server.log") as server:
            until_healthy(url, server)
            result: dict[str, Any] = {"cores": os.cpu_count(), "limit": chosen.limit, "ratio": None}
            for kind, runs in ((WarmWorker.type, chosen.warm), ("process", chosen.process)):
                key = "warm" if kind == WarmWorker.type else kind
                result[key] = asyncio.run(measure(url, folder, kind, runs, chosen.limit, server)) if runs else None
    if result["warm"] and result["process"]:
        result["ratio"] = round(result["warm"]["runs_per_s"] / result["process"]["runs_per_s"], 1)
        print(f"ratio {result['ratio']}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
