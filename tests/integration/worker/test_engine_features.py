"""What Prefect's engine does for a flow, it does in a warm child: hooks, time limits, retries, subflows, results."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions, StateType

from tests.integration.worker.test_warm_runs import STAYS, completed, state_of

if TYPE_CHECKING:
    from tests.support.work_pool import WorkPool

HOOKS = """
    import os, pathlib

    def note(flow, flow_run, state):
        with open(flow_run.parameters["out"], "a") as file:
            print(flow_run.parameters["how"], state.type.value, file=file)

    @flow(on_running=[note], on_completion=[note], on_failure=[note], on_crashed=[note])
    def main(out: str, how: str):
        if how == "fail":
            raise ValueError("on purpose")
        if how == "crash":
            pathlib.Path(out + ".pid").write_text(str(os.getpid()))
            raise SystemExit(3)
"""


async def test_hooks_of_a_run_are_run_for_each_end(shared_pool: WorkPool, tmp_path: Path) -> None:
    deployment = await shared_pool.deploy("hooks", HOOKS)
    ends = {"end": StateType.COMPLETED, "fail": StateType.FAILED, "crash": StateType.CRASHED}
    runs = {how: await shared_pool.order(deployment, out=str(tmp_path / "notes"), how=how) for how in ends}
    assert {how: state_of(await shared_pool.until(run)).type for how, run in runs.items()} == ends
    await shared_pool.gone(int((tmp_path / "notes.pid").read_text()))  # Who knows what it left half done.
    wanted = Counter(f"{how} {state}" for how, end in ends.items() for state in ("RUNNING", end.value))

    async def noted() -> Counter[str] | None:
        """All notes, once there are as many as wanted: the engine runs the hooks of an end after it has told it."""
        lines = (tmp_path / "notes").read_text().splitlines()
        return Counter(lines) if len(lines) >= wanted.total() else None

    assert await shared_pool.find(noted) == wanted


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_flow_that_takes_too_long_fails_and_its_child_serves_on(
    shared_pool: WorkPool, tmp_path: Path, kind: str
) -> None:
    text = f"""
        import asyncio, os, pathlib, time

        @flow(timeout_seconds=1)
        {kind} main(out: str, seconds: float):
            pathlib.Path(out).write_text(str(os.getpid()))
            {"await asyncio.sleep(seconds)" if "async" in kind else "time.sleep(seconds)"}
    """
    deployment = await shared_pool.deploy("slow" + kind[0], text)
    late = await shared_pool.until(await shared_pool.order(deployment, out=str(tmp_path / "a"), seconds=30), seconds=20)
    assert (state_of(late).type, state_of(late).name) == (StateType.FAILED, "TimedOut")
    # Prefect knows of a run's end before the worker does, so the next may go to another child; there are three at most.
    later = []
    for number in range(3):
        await completed(shared_pool, await shared_pool.order(deployment, out=str(tmp_path / str(number)), seconds=0))
        later.append((tmp_path / str(number)).read_text())
    assert (tmp_path / "a").read_text() in later, "a timeout costs no process"


async def test_retries_subflows_threads_prints_and_results(shared_pool: WorkPool, tmp_path: Path) -> None:
    text = """
        import pathlib, threading
        from prefect.task_runners import ThreadPoolTaskRunner

        @task(retries=1)
        def double(number: int, out: str):
            mark = pathlib.Path(f"{out}.{number}")
            if number == 2 and not mark.exists():
                mark.touch()
                raise ValueError("the first time")
            assert threading.current_thread() is not threading.main_thread()
            return number * 2

        @flow
        def inner(numbers: list[int]):
            return sum(numbers)

        @flow(
            retries=1,
            log_prints=True,
            persist_result=True,
            result_serializer="json",
            task_runner=ThreadPoolTaskRunner(max_workers=2),
        )
        def main(out: str):
            mark = pathlib.Path(out)
            if not mark.exists():
                mark.touch()
                raise ValueError("once")
            total = inner(double.map([1, 2, 3], out).result())
            print("the total is", total)
            return {"total": total}
    """
    run = await shared_pool.order(await shared_pool.deploy("rich", text), out=str(tmp_path / "once"))
    done = await completed(shared_pool, run)
    assert done.run_count == 2, "a flow's own retry"
    assert await shared_pool.logged(run, "the total is 12")
    assert (tmp_path / "once.2").exists()
    nested = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
    (child,) = await shared_pool.client.read_flow_runs(flow_run_filter=nested)
    assert state_of(child).type is StateType.COMPLETED
    stored = Path(getattr(state_of(done).data, "storage_key", ""))
    assert json.loads(stored.read_text()) == {"total": 12}


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_flows_that_yield_run_to_their_end_and_their_failure_is_told(
    shared_pool: WorkPool, tmp_path: Path, kind: str
) -> None:
    text = f"""
        import pathlib

        @flow
        {kind} main(out: str, good: bool):
            yield 1
            if not good:
                raise ValueError("on purpose")
            yield 2
            pathlib.Path(out).write_text("to the end")
    """
    deployment = await shared_pool.deploy("yields" + kind[0], text)
    good = await shared_pool.order(deployment, out=str(tmp_path / "end"), good=True)
    bad = await shared_pool.order(deployment, out=str(tmp_path / "bad"), good=False)
    await completed(shared_pool, good)
    assert (tmp_path / "end").read_text() == "to the end"
    assert state_of(await shared_pool.until(bad)).type is StateType.FAILED


async def test_a_global_limit_holds_between_children(shared_pool: WorkPool, tmp_path: Path) -> None:
    limit = GlobalConcurrencyLimitCreate(name=f"one-{uuid.uuid4().hex[:6]}", limit=1)
    await shared_pool.client.create_global_concurrency_limit(limit)
    text = """
        import os, pathlib, time
        from prefect.concurrency.sync import concurrency

        @flow
        def main(out: str, limit: str):
            here = pathlib.Path(f"{out}.here")
            here.mkdir(exist_ok=True)
            (here / str(os.getpid())).touch()
            while len(list(here.iterdir())) < 2:
                time.sleep(0.05)
            with concurrency(limit, strict=True):
                for word in ("in", "out"):
                    with open(out, "a") as file:
                        print(word, os.getpid(), file=file)
                    time.sleep(0.3)
    """
    deployment = await shared_pool.deploy("limited", text)
    for run in [await shared_pool.order(deployment, out=str(tmp_path / "turns"), limit=limit.name) for _ in range(2)]:
        await completed(shared_pool, run)
    lines = (tmp_path / "turns").read_text().split()
    assert lines[::2] == ["in", "out"] * 2
    assert lines[1] == lines[3] != lines[5] == lines[7], "two children took turns"


async def test_a_collision_cancels_the_new_run_where_the_deployment_says_so(
    shared_pool: WorkPool, tmp_path: Path
) -> None:
    options = ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    deployment = await shared_pool.deploy("stays", STAYS, concurrency_limit=1, concurrency_options=options)
    go = str(tmp_path / "go")
    first = await shared_pool.order(deployment, out=str(tmp_path / "first"), until=go)
    await shared_pool.written(tmp_path / "first")
    second = await shared_pool.order(deployment, out=str(tmp_path / "second"), until=go)
    assert state_of(await shared_pool.until(second)).type is StateType.CANCELLED
    (tmp_path / "go").touch()
    await completed(shared_pool, first)
    assert not (tmp_path / "second").exists()
