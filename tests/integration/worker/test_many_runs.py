"""Many runs over two workers, and over a Prefect server that dies in the middle. Each execution leaves a line."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from prefect.client.schemas.objects import StateType

from tests.integration.worker.test_warm_runs import state_of
from tests.support.prefect import PrefectServer
from tests.support.processes import below, gone
from tests.support.work_pool import WorkPool, opened

RUNS = int(os.environ.get("RUNS", "40"))
"""`RUNS=1000` is a longer seed of the same."""
EACH = RUNS // 20
"""After so many runs a child is replaced: ten of them come and go at each worker."""
# Patience is for a machine that has much else to do; by itself the file takes a minute.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("many_runs")]
APPENDS = """
    import os

    @flow
    async def main(out: str, number: int):
        line = f"{number} {os.getppid()} {os.getpid()}\\n".encode()
        file = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line)
        os.close(file)
"""


def executions(out: Path) -> list[list[int]]:
    """Return [number of the run, zygote, child] for each time that the flow's code ran."""
    return [[int(part) for part in line.split()] for line in out.read_text().splitlines()]


def held(worker: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Return how many file descriptors and threads a worker has."""
    process = psutil.Process(worker.pid)
    return process.num_fds(), process.num_threads()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Start a server as `mailroom up` does, which a test may kill."""
    with PrefectServer.as_embedded(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
async def work_pool(server: PrefectServer, tmp_path: Path) -> AsyncIterator[WorkPool]:
    """Make a work pool for one test, at that server."""
    async with opened(server.url, tmp_path) as work_pool:
        yield work_pool


async def test_two_workers_share_runs_execute_none_twice_and_leave_nothing(work_pool: WorkPool, tmp_path: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    # Replaced often, so that a descriptor lost with each child shows.
    deployment = await work_pool.deploy("appends", APPENDS, job_variables={"max_runs": EACH})
    await work_pool.order_many(deployment, RUNS, out=str(out))
    workers = [work_pool.start(limit=2, environment={"TMPDIR": str(scratch)}) for _ in range(2)]

    async def both_are_busy() -> bool | None:
        return (out.exists() and len({zygote for _, zygote, _ in executions(out)}) == 2) or None

    await work_pool.find(both_are_busy, 300)
    before = [held(worker) for worker in workers]
    ended = await work_pool.all_end(deployment, RUNS, seconds=300)

    assert Counter(state_of(run).type for run in ended) == {StateType.COMPLETED: RUNS}
    ran = executions(out)
    assert sorted(number for number, *_ in ran) == list(range(RUNS))
    assert max(Counter(child for *_, child in ran).values()) == EACH, "replaced after so many runs"
    for (files, threads), (files_after, threads_after) in zip(before, map(held, workers), strict=True):
        assert files_after - files <= 8, "about ten children came and went at each worker"
        assert threads_after - threads <= 4

    # An idle child that has executed its runs has left already, so only the zygotes are sure to be there.
    family = [process for worker in workers for process in below(worker.pid)]
    assert len(family) >= len(workers)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        await asyncio.to_thread(worker.wait, 60)
    await gone(*family)
    assert list(scratch.glob("mailroom-warm-*")) == []


async def test_a_killed_server_loses_no_run_and_repeats_none(
    work_pool: WorkPool, server: PrefectServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    deployment = await work_pool.deploy("appends", APPENDS)
    await work_pool.order_many(deployment, RUNS, out=str(out))
    work_pool.start(limit=4)

    async def in_the_middle() -> bool | None:
        return (out.exists() and len(executions(out)) >= RUNS // 3) or None

    await work_pool.find(in_the_middle, 300)
    server.kill()
    assert len(executions(out)) < RUNS - 10, "killed too late to show anything"
    await asyncio.to_thread(server.start)
    ended = await work_pool.all_end(deployment, RUNS, seconds=300)

    ran = Counter(number for number, *_ in executions(out))
    assert max(ran.values()) == 1, f"executed twice: {[n for n, times in ran.items() if times > 1]}"
    states = {run.parameters["number"]: state_of(run) for run in ended}
    assert Counter(state.type for state in states.values()) == {StateType.COMPLETED: RUNS}
    assert len(ran) == RUNS
