"""Flow runs in a warm worker: they run, log, fail, come again, are cancelled; their processes die and are replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psutil
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelling

from tests.support.processes import children_with

if TYPE_CHECKING:
    from tests.support.work_pool import WorkPool

HELLO = """
    from prefect import get_run_logger

    @task
    async def shout(word): return word.upper()

    @flow
    async def main(word: str = "hello", times: int = 1):
        get_run_logger().info("said %s", await shout(word) * times)
"""
# Says which process runs it, and stays until a file appears.
STAYS = """
    import os, pathlib, time

    @flow
    def main(out: str, until: str = "never"):
        pathlib.Path(out).write_text(str(os.getpid()))
        while not pathlib.Path(until).exists():
            time.sleep(0.05)
"""
# Says which processes are at work: its own and that of a command.
STARTS = """
    import os, pathlib, subprocess, time

    @flow
    def main(out: str):
        command = subprocess.Popen(["sleep", "300"])
        pathlib.Path(out).write_text(f"{os.getpid()} {command.pid}")
        time.sleep(300)
"""


def state_of(run: FlowRun) -> State[object]:
    assert run.state is not None
    return run.state


def zygotes_of(shared_pool: WorkPool) -> list[psutil.Process]:
    return children_with("prefect_mailroom.worker.processes.zygote", shared_pool.workers[0].pid)


async def completed(shared_pool: WorkPool, run: UUID) -> FlowRun:
    done = await shared_pool.until(run)
    assert state_of(done).type is StateType.COMPLETED, f"{done.state}\n{shared_pool.told()}"
    return done


async def test_a_run_completes_and_its_logs_are_in_the_api(shared_pool: WorkPool) -> None:
    deployment = await shared_pool.deploy("hello", HELLO)
    runs = [await shared_pool.order(deployment, word="a", times="2"), await shared_pool.order(deployment)]
    for run in runs:
        assert (await completed(shared_pool, run)).deployment_id == deployment
    assert await shared_pool.logged(runs[0], "said AA"), "Parameters are validated: '2' became a number."
    assert await shared_pool.logged(runs[1], "said HELLO")


async def test_failures_are_told_and_hold_nobody_up(shared_pool: WorkPool) -> None:
    fails = await shared_pool.deploy("fails", "@flow\ndef main(): raise ValueError('on purpose')")
    missing = await shared_pool.deploy("missing", "import no_such_library\n@flow\ndef main(): pass")
    threads = (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True, name='early').start()"
    )
    threaded = await shared_pool.deploy("threaded", f"{threads}\n@flow\ndef main(): pass")
    exits = await shared_pool.deploy("exits", "import os\n@flow\ndef main(): os._exit(7)")
    nowhere = await shared_pool.deploy("nowhere", "@flow\ndef main(): pass", pull_steps=[{"no.such.step": {}}])
    wrong = await shared_pool.deploy("hello", HELLO)
    runs = [await shared_pool.order(deployment) for deployment in (fails, missing, threaded, exits, nowhere)]
    runs += [await shared_pool.order(wrong, times="many"), await shared_pool.order(wrong)]
    failed, *crashed, invalid, good = [state_of(await shared_pool.until(run)) for run in runs]
    assert failed.type is StateType.FAILED
    assert "on purpose" in str(failed.message)
    assert [state.type for state in crashed] == [StateType.CRASHED] * 4
    for state, text in zip(crashed, ["no_such_library", "early", "exited with code 7", "pull steps"], strict=True):
        assert text in str(state.message)
        assert "\n" not in str(state.message), "the trace is in the logs"
    assert invalid.type is StateType.FAILED
    assert good.type is StateType.COMPLETED
    assert "Traceback" in await shared_pool.logged(runs[1], "no_such_library")


async def test_a_run_claimed_ahead_starts_at_its_second(shared_pool: WorkPool) -> None:
    deployment = await shared_pool.deploy("hello", HELLO)
    await completed(shared_pool, await shared_pool.order(deployment))
    due = datetime.now(UTC) + timedelta(seconds=8)
    run = await shared_pool.order(deployment, at=due)
    claimed = await shared_pool.until(run, StateType.PENDING)
    assert state_of(claimed).timestamp < due
    done = await completed(shared_pool, run)
    assert done.start_time is not None
    late = done.start_time.timestamp() - due.timestamp()
    assert -0.01 <= late < 1.5, f"started {late:.2f} s after it was due"


async def test_a_run_claimed_ahead_can_be_cancelled(shared_pool: WorkPool) -> None:
    deployment = await shared_pool.deploy("hello", HELLO)
    due = datetime.now(UTC) + timedelta(seconds=12)
    run = await shared_pool.order(deployment, at=due)
    await shared_pool.until(run, StateType.PENDING)
    await shared_pool.client.set_flow_run_state(run, Cancelling())
    cancelled = await shared_pool.until(run, StateType.CANCELLED)
    assert cancelled.run_count == 0
    assert state_of(cancelled).timestamp < due, "it does not wait for its time first"


async def test_awaiting_retry_comes_again_on_time(shared_pool: WorkPool) -> None:
    text = """
        from datetime import UTC, datetime, timedelta
        from prefect.context import FlowRunContext
        from prefect.states import AwaitingRetry

        @flow
        async def main():
            if FlowRunContext.get().flow_run.run_count < 2:
                return AwaitingRetry(scheduled_time=datetime.now(UTC) + timedelta(seconds=3))
    """
    run = await shared_pool.order(await shared_pool.deploy("again", text))
    done = await completed(shared_pool, run)
    assert done.run_count == 2
    (waiting,) = [one for one in await shared_pool.client.read_flow_run_states(run) if one.name == "AwaitingRetry"]
    assert waiting.type is StateType.SCHEDULED
    due = waiting.state_details.scheduled_time
    assert due is not None
    assert -0.01 <= (state_of(done).timestamp - due).total_seconds() < 3


async def test_cancelling_kills_the_run_and_what_it_started_within_three_seconds(
    shared_pool: WorkPool, tmp_path: Path
) -> None:
    run = await shared_pool.order(await shared_pool.deploy("starts", STARTS), out=str(tmp_path / "pids"))
    pids = [int(pid) for pid in (await shared_pool.written(tmp_path / "pids")).split()]
    start = time.monotonic()
    await shared_pool.client.set_flow_run_state(run, Cancelling())
    done = await shared_pool.until(run, StateType.CANCELLED)
    assert time.monotonic() - start < 3
    assert "process was ended" in str(state_of(done).message)
    for pid in pids:
        await shared_pool.gone(pid, 1)


async def test_cancelling_runs_the_hooks_of_a_flow_that_has_them(shared_pool: WorkPool, tmp_path: Path) -> None:
    hooked = """
        import asyncio, os, pathlib, time

        def note(flow, flow_run, state):
            pathlib.Path(flow_run.parameters["out"] + ".hook").write_text(state.name)

        @flow(on_cancellation=[note])
        def main(out: str):
            pathlib.Path(out).write_text(str(os.getpid()))
            while True:
                time.sleep(0.05)
    """
    awaiting = hooked.replace("def main", "async def main").replace("time.sleep(0.05)", "await asyncio.sleep(0.05)")
    deployments = [await shared_pool.deploy("hooked", hooked), await shared_pool.deploy("ahooked", awaiting)]
    for number, deployment in enumerate(deployments):
        out = tmp_path / f"pid{number}"
        run = await shared_pool.order(deployment, out=str(out))
        pid = int(await shared_pool.written(out))
        await shared_pool.client.set_flow_run_state(run, Cancelling())
        await shared_pool.until(run, StateType.CANCELLED)
        assert await shared_pool.written(Path(f"{out}.hook")) == "Cancelling"
        await shared_pool.gone(pid)


async def test_a_killed_child_is_a_crash_and_another_serves(shared_pool: WorkPool, tmp_path: Path) -> None:
    deployment = await shared_pool.deploy("stays", STAYS)
    run = await shared_pool.order(deployment, out=str(tmp_path / "pid"))
    os.kill(int(await shared_pool.written(tmp_path / "pid")), signal.SIGKILL)
    state = state_of(await shared_pool.until(run))
    assert state.type is StateType.CRASHED
    assert "killed by signal 9 (SIGKILL)" in str(state.message)
    (tmp_path / "go").touch()
    for name in ("second", "third"):  # The second leaves its child idle; its death costs the third run nothing.
        await completed(
            shared_pool, await shared_pool.order(deployment, out=str(tmp_path / name), until=str(tmp_path / "go"))
        )
        os.kill(int(await shared_pool.written(tmp_path / name)), signal.SIGKILL)


async def test_a_killed_zygote_takes_its_runs_with_it_and_is_replaced(shared_pool: WorkPool, tmp_path: Path) -> None:
    deployment = await shared_pool.deploy("starts", STARTS)
    run = await shared_pool.order(deployment, out=str(tmp_path / "pids"))
    pids = [int(pid) for pid in (await shared_pool.written(tmp_path / "pids")).split()]
    zygote = psutil.Process(pids[0]).parent()
    assert zygote is not None
    assert zygote in zygotes_of(shared_pool)
    zygote.kill()
    assert state_of(await shared_pool.until(run)).type is StateType.CRASHED
    for pid in pids:
        await shared_pool.gone(pid)
    again = await shared_pool.order(deployment, out=str(tmp_path / "again"))
    await shared_pool.written(tmp_path / "again")
    await shared_pool.client.set_flow_run_state(again, Cancelling())
    await shared_pool.until(again, StateType.CANCELLED)


async def test_a_thread_that_a_flow_leaves_does_not_keep_its_process(shared_pool: WorkPool, tmp_path: Path) -> None:
    text = """
        import os, pathlib, threading, time

        @flow
        def main(out: str):
            pathlib.Path(out).write_text(str(os.getpid()))
            threading.Thread(target=time.sleep, args=(300,)).start()
    """
    deployment = await shared_pool.deploy("threads", text, job_variables={"max_runs": 1})
    await completed(shared_pool, await shared_pool.order(deployment, out=str(tmp_path / "pid")))
    pid = int((tmp_path / "pid").read_text())
    await shared_pool.gone(pid, 60)
    # After 20 s the worker would have killed it, and said so first.
    assert f"Child {pid} did not end by itself" not in shared_pool.logs[0].read_text(errors="replace")


async def test_a_leak_is_ended_by_a_new_process(shared_pool: WorkPool, tmp_path: Path) -> None:
    text = """
        import os, pathlib
        kept = []

        @flow
        async def main(out: str):
            kept.append(b"x" * 50_000_000)
            with open(out, "a") as file:
                print(os.getpid(), len(kept), file=file)
    """
    deployment = await shared_pool.deploy("leaks", text, job_variables={"max_growth_mb": 130})
    runs = [await shared_pool.order(deployment, out=str(tmp_path / "pids")) for _ in range(10)]
    for run in runs:
        await completed(shared_pool, run)
    lines = [line.split() for line in (tmp_path / "pids").read_text().splitlines()]
    assert len({pid for pid, _ in lines}) >= 4, "three at a time, three runs each"
    assert max(int(held) for _, held in lines) <= 3, "50 MB a run, 130 MB allowed: the third run is a process's last"


async def test_what_a_run_changes_does_not_reach_the_next(shared_pool: WorkPool, tmp_path: Path) -> None:
    text = """
        import os, pathlib, sys
        from prefect import tags
        from prefect.context import TagsContext

        @flow
        def main(out: str):
            seen = [os.getpid(), os.umask(0o077), os.environ.get("LEFT"), os.getcwd(), "left" in sys.path]
            with open(out, "a") as file:
                print(*seen, TagsContext.get().current_tags, sep="|", file=file)
            os.environ["LEFT"] = "behind"
            os.chdir("/")
            sys.path.append("left")
            tags("left").__enter__()
    """
    deployment = await shared_pool.deploy("untidy", text)
    # Prefect knows of a run's end before the worker does, so the next may go to another child; there are three at most.
    for _ in range(4):
        await completed(shared_pool, await shared_pool.order(deployment, out=str(tmp_path / "seen")))
    seen = (tmp_path / "seen").read_text().splitlines()
    assert len({line.partition("|")[0] for line in seen}) < len(seen) == 4, "two of them in one process"
    (surroundings,) = {line.partition("|")[2] for line in seen}
    assert surroundings.endswith(f"|None|{shared_pool.folder}|False|set()")


async def test_a_changed_file_is_picked_up_also_of_an_imported_module(shared_pool: WorkPool, tmp_path: Path) -> None:
    (shared_pool.folder / "helper.py").write_text("WORD = 'old'")
    text = (
        "import helper, pathlib\nV = 1\n@flow\ndef main(out: str): pathlib.Path(out).write_text(f'{V} {helper.WORD}')"
    )
    deployment = await shared_pool.deploy("edited", text)

    async def says(name: str) -> str:
        await completed(shared_pool, await shared_pool.order(deployment, out=str(tmp_path / name)))
        return (tmp_path / name).read_text()

    assert await says("a") == "1 old"
    shared_pool.write("edited", text.replace("V = 1", "V = 22"))
    assert await says("b") == "22 old"
    (shared_pool.folder / "helper.py").write_text("WORD = 'newer'")
    assert await says("c") == "22 newer"
    busy = await shared_pool.order(
        await shared_pool.deploy("stays", STAYS), out=str(tmp_path / "busy"), until=str(tmp_path / "go")
    )
    await shared_pool.written(tmp_path / "busy")
    before = {process.pid for process in zygotes_of(shared_pool)}
    shared_pool.workers[0].send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    await completed(shared_pool, busy)
    await asyncio.gather(*(shared_pool.gone(pid) for pid in before))
    assert await says("d") == "22 newer"


async def test_environment_of_the_deployment_and_none_of_the_run(shared_pool: WorkPool, tmp_path: Path) -> None:
    text = "import os, pathlib\n@flow\ndef main(out: str): pathlib.Path(out).write_text(os.environ.get('COLOUR', '-'))"
    deployment = await shared_pool.deploy("colours", text, job_variables={"env": {"COLOUR": "teal"}})
    run = await shared_pool.client.create_flow_run_from_deployment(
        deployment, parameters={"out": str(tmp_path / "colour")}, job_variables={"env": {"COLOUR": "red"}}
    )
    await completed(shared_pool, run.id)
    assert (tmp_path / "colour").read_text() == "teal"
    assert await shared_pool.logged(run.id, "job variables of this run alone are not applied")
