"""Workers as a whole: killed, stopped, several on one pool, and held to the limits of pool and queues."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import StateType

from tests.integration.worker.test_warm_runs import STAYS, completed, state_of
from tests.support.processes import below, gone

if TYPE_CHECKING:
    from tests.support.work_pool import WorkPool

pytestmark = pytest.mark.timeout(600)  # Each waits for several starts, which a busy machine takes minutes for.


async def test_nothing_survives_a_killed_worker_and_the_next_one_returns_what_it_held(
    work_pool: WorkPool, tmp_path: Path
) -> None:
    deployment = await work_pool.deploy("stays", STAYS)
    worker = work_pool.start(limit=1, name="always-the-same")
    begun = await work_pool.order(deployment, out=str(tmp_path / "pid"), until=str(tmp_path / "go"))
    pid = int(await work_pool.written(tmp_path / "pid"))
    waiting = await work_pool.order(deployment, out=str(tmp_path / "other"), until=str(tmp_path / "go"))
    await work_pool.until(waiting, StateType.PENDING)
    family = below(worker.pid)
    assert pid in {process.pid for process in family}
    worker.kill()
    await gone(*family)
    assert state_of(await work_pool.client.read_flow_run(begun)).type is StateType.RUNNING
    (tmp_path / "go").touch()
    work_pool.start(limit=1, name="always-the-same")
    ended = await work_pool.until(waiting)
    assert state_of(ended).type is StateType.COMPLETED
    states = await work_pool.client.read_flow_run_states(waiting)
    (back,) = [state.state_details.scheduled_time for state in states if "returned it" in (state.message or "")]
    assert back is not None
    assert ended.expected_start_time is not None
    assert back < ended.expected_start_time, "it goes before what became due with it"
    assert state_of(await work_pool.until(begun)).type is StateType.CRASHED


async def test_sigterm_lets_runs_finish_and_hands_back_what_has_not_begun(work_pool: WorkPool, tmp_path: Path) -> None:
    deployment = await work_pool.deploy("stays", STAYS)
    worker = work_pool.start(limit=1)
    begun = await work_pool.order(deployment, out=str(tmp_path / "pid"), until=str(tmp_path / "go"))
    await work_pool.written(tmp_path / "pid")
    waiting = await work_pool.order(deployment, out=str(tmp_path / "other"), until=str(tmp_path / "go"))
    claimed = await work_pool.until(waiting, StateType.PENDING)
    due = state_of(claimed).state_details.scheduled_time
    worker.send_signal(signal.SIGTERM)
    back = state_of(await work_pool.until(waiting, StateType.SCHEDULED))
    assert "stopped before this run began" in str(back.message)
    assert back.state_details.scheduled_time == due
    (tmp_path / "go").touch()
    await asyncio.to_thread(worker.wait, 60)
    assert state_of(await work_pool.client.read_flow_run(begun)).type is StateType.COMPLETED
    assert not (tmp_path / "other").exists()


async def test_sigterm_ends_what_outlasts_the_grace_time(work_pool: WorkPool, tmp_path: Path) -> None:
    worker = work_pool.start(environment={"PREFECT_MAILROOM_WORKER_GRACE_SECONDS": "0.5"})
    run = await work_pool.order(await work_pool.deploy("stays", STAYS), out=str(tmp_path / "pid"))
    pid = int(await work_pool.written(tmp_path / "pid"))
    worker.send_signal(signal.SIGTERM)
    await asyncio.to_thread(worker.wait, 60)
    await work_pool.gone(pid)
    assert state_of(await work_pool.client.read_flow_run(run)).type is StateType.CRASHED


async def test_the_smaller_command_ends_in_good_order_also_where_sigint_is_ignored(
    work_pool: WorkPool, tmp_path: Path
) -> None:
    """As it is for what a shell script starts in the background."""
    ignoring = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    worker = work_pool.start(limit=1, command=(*ignoring, sys.executable, "-m", "prefect_mailroom.worker"))
    deployment = await work_pool.deploy("stays", STAYS)
    begun = await work_pool.order(deployment, out=str(tmp_path / "pid"), until=str(tmp_path / "go"))
    await work_pool.written(tmp_path / "pid")
    waiting = await work_pool.order(deployment, out=str(tmp_path / "other"), until=str(tmp_path / "go"))
    await work_pool.until(waiting, StateType.PENDING)
    worker.send_signal(signal.SIGTERM)
    await work_pool.until(waiting, StateType.SCHEDULED)
    (tmp_path / "go").touch()
    assert await asyncio.to_thread(worker.wait, 60) == 0
    assert state_of(await work_pool.client.read_flow_run(begun)).type is StateType.COMPLETED


async def test_limits_pauses_and_priorities_of_pool_queues_and_deployment(work_pool: WorkPool, tmp_path: Path) -> None:
    client, pool = work_pool.client, work_pool.pool
    urgent = await client.create_work_queue("urgent", work_pool_name=pool, priority=1)
    narrow = await client.create_work_queue("narrow", work_pool_name=pool, priority=2, concurrency_limit=1)
    closed = await client.create_work_queue("closed", work_pool_name=pool, priority=1, is_paused=True)
    by_queue = {
        queue.name: await work_pool.deploy("stays", STAYS, work_queue_name=queue.name)
        for queue in (urgent, narrow, closed)
    }
    await client.update_work_pool(pool, WorkPoolUpdate(concurrency_limit=2))
    go = str(tmp_path / "go")

    async def order(queue: str, number: int) -> UUID:
        return await work_pool.order(by_queue[queue], out=str(tmp_path / f"{queue}{number}"), until=go)

    narrows = [await order("narrow", number) for number in range(3)]
    urgents = [await order("urgent", number) for number in range(3)]
    paused = await order("closed", 0)
    work_pool.start(limit=4)

    async def types(runs: list[UUID]) -> list[StateType]:
        return [state_of(await client.read_flow_run(run)).type for run in runs]

    for run in urgents[:2]:
        await work_pool.written(tmp_path / f"urgent{urgents.index(run)}")
    # The pool's two slots went to the urgent queue, though the other runs were due before.
    assert await types(narrows) == [StateType.SCHEDULED] * 3
    assert (await types(urgents))[2] is StateType.SCHEDULED
    await client.update_work_pool(pool, WorkPoolUpdate(concurrency_limit=5))
    await work_pool.until(urgents[2], StateType.RUNNING)
    await work_pool.until(narrows[0], StateType.RUNNING)
    assert await types(narrows[1:]) == [StateType.SCHEDULED] * 2, "one slot in this queue"
    (tmp_path / "go").touch()
    for run in [*urgents, *narrows]:
        await completed(work_pool, run)
    assert await types([paused]) == [StateType.SCHEDULED]
    await client.update_work_queue(closed.id, is_paused=False)
    await completed(work_pool, paused)
    await a_limit_of_the_deployment_holds(work_pool, tmp_path)


async def a_limit_of_the_deployment_holds(work_pool: WorkPool, folder: Path) -> None:
    """One of two runs begins, and the other one waits for its slot."""
    deployment = await work_pool.deploy("stays", STAYS, concurrency_limit=1)
    go, begun = folder / "go on", [folder / "first", folder / "second"]
    runs = [await work_pool.order(deployment, out=str(out), until=str(go)) for out in begun]

    async def one_waits() -> bool:
        found = [state_of(await work_pool.client.read_flow_run(run)) for run in runs]
        running = [state for state in found if state.type is StateType.RUNNING]
        return bool(running) and "AwaitingConcurrencySlot" in {state.name for state in found}

    await work_pool.find(one_waits)

    async def any_has_begun() -> bool:
        return any(out.exists() for out in begun)

    await work_pool.find(any_has_begun)
    assert len([out for out in begun if out.exists()]) == 1
    go.touch()  # So that the worker ends at once.
