"""200 runs over two workers, and over a Prefect server that dies in the middle. Each execution leaves a line."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from prefect.client.schemas.objects import StateType

from embedded import prefect_settings
from embedded.ports import free_port
from mailroom.settings import Settings
from tests.conftest import until_healthy
from tests.integration.worker.conftest import Workshop, opened
from tests.integration.worker.test_warm_runs import state_of
from tests.support.processes import below, gone

RUNS = 200
KEY = "x" * 44
# Patience is for a machine that has much else to do; by itself the file takes a minute and a half.
pytestmark = pytest.mark.timeout(900)
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
    """Number of the run, zygote, child: one for each time that the flow's code ran."""
    return [[int(part) for part in line.split()] for line in out.read_text().splitlines()]


def held(worker: subprocess.Popen[bytes]) -> tuple[int, int]:
    """File descriptors and threads of a worker."""
    process = psutil.Process(worker.pid)
    return process.num_fds(), process.num_threads()


class Server:
    """A Prefect server, started as `mailroom up` does, that can be killed and started again on the same database."""

    def __init__(self, folder: Path, port: int) -> None:
        self._settings = Settings.model_validate({"data_dir": folder, "prefect_port": port})
        self.api, self._log = self._settings.prefect_api, folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = prefect_settings.base_environment() | prefect_settings.server_environment(self._settings, KEY)
        command = [sys.executable, "-m", "embedded.prefect_server", "server", "start"]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--port", str(self._settings.prefect_port)],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until_healthy(self.api, self._process, self._log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"), free_port("127.0.0.1"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
async def workshop(server: Server, tmp_path: Path) -> AsyncIterator[Workshop]:
    """A pool of this test's own, at that server."""
    async with opened(server.api, tmp_path) as workshop:
        yield workshop


async def test_two_workers_share_runs_execute_none_twice_and_leave_nothing(workshop: Workshop, tmp_path: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    # Replaced often, so that a descriptor lost with each child shows.
    deployment = await workshop.deploy("appends", APPENDS, job_variables={"max_runs": 10})
    await workshop.order_many(deployment, RUNS, out=str(out))
    workers = [workshop.start(limit=2, environment={"TMPDIR": str(scratch)}) for _ in range(2)]

    async def both_are_busy() -> bool | None:
        return (out.exists() and len({zygote for _, zygote, _ in executions(out)}) == 2) or None

    await workshop.find(both_are_busy, 300)
    before = [held(worker) for worker in workers]
    ended = await workshop.all_end(deployment, RUNS, seconds=300)

    assert Counter(state_of(run).type for run in ended) == {StateType.COMPLETED: RUNS}
    ran = executions(out)
    assert sorted(number for number, *_ in ran) == list(range(RUNS))
    assert max(Counter(child for *_, child in ran).values()) == 10, "replaced after ten runs"
    for (files, threads), (files_after, threads_after) in zip(before, map(held, workers), strict=True):
        assert files_after - files <= 8, "about ten children came and went at each worker"
        assert threads_after - threads <= 4

    family = [process for worker in workers for process in below(worker.pid)]
    assert len(family) >= 4
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        await asyncio.to_thread(worker.wait, 60)
    await gone(*family)
    assert list(scratch.glob("mailroom-warm-*")) == []


async def test_a_killed_server_loses_no_run_and_repeats_none(
    workshop: Workshop, server: Server, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    deployment = await workshop.deploy("appends", APPENDS)
    await workshop.order_many(deployment, RUNS, out=str(out))
    workshop.start(limit=4)

    async def in_the_middle() -> bool | None:
        return (out.exists() and len(executions(out)) >= RUNS // 3) or None

    await workshop.find(in_the_middle, 300)
    server.kill()
    assert len(executions(out)) < RUNS - 20, "killed too late to show anything"
    await asyncio.to_thread(server.start)
    ended = await workshop.all_end(deployment, RUNS, seconds=300)

    ran = Counter(number for number, *_ in executions(out))
    assert max(ran.values()) == 1, f"executed twice: {[n for n, times in ran.items() if times > 1]}"
    states = {run.parameters["number"]: state_of(run) for run in ended}
    assert Counter(state.type for state in states.values()) == {StateType.COMPLETED: RUNS}
    assert len(ran) == RUNS
