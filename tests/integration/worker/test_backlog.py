"""Which runs are due, asked of a real server: pauses, limits, priorities, claims that it does not count yet."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import FlowRunPolicy, WorkQueue
from prefect.states import Cancelled, Pending

from prefect_mailroom.worker import backlog
from prefect_mailroom.worker.backlog import Due

if TYPE_CHECKING:
    from tests.support.work_pool import WorkPool


class Backlog:
    """One pool with a queue of three runs and an urgent one of two."""

    def __init__(self, work_pool: WorkPool) -> None:
        self.shared_pool = work_pool
        self.queues: dict[str, WorkQueue] = {}
        self.runs: dict[UUID, str] = {}

    async def open(self) -> None:
        for name, priority, count in (("calm", 5, 3), ("urgent", 1, 2)):
            queue = await self.shared_pool.client.create_work_queue(
                name, work_pool_name=self.shared_pool.pool, priority=priority
            )
            self.queues[name] = queue
            deployment = await self.shared_pool.deploy(name, "@flow\ndef main(): pass", work_queue_name=name)
            for number in range(count):
                at = datetime.now(UTC) - timedelta(minutes=9 - number)
                self.runs[await self.shared_pool.order(deployment, at=at)] = f"{name}{number}"

    async def due(self, *queues: str, unseen: dict[UUID | None, int] | None = None) -> Due:
        return await backlog.due_runs(
            self.shared_pool.client, self.shared_pool.pool, frozenset(queues), datetime.now(UTC), Counter(unseen or {})
        )

    async def names(self, *queues: str, unseen: dict[UUID | None, int] | None = None) -> list[str]:
        return [self.runs[run.id] for run in (await self.due(*queues, unseen=unseen)).runs]


@pytest.fixture
async def due_here(work_pool: WorkPool) -> Backlog:
    due_here = Backlog(work_pool)
    await due_here.open()
    return due_here


ALL = ["urgent0", "urgent1", "calm0", "calm1", "calm2"]


async def test_due_runs_come_by_priority_then_time_and_within_every_limit(due_here: Backlog) -> None:
    client, pool, calm = due_here.shared_pool.client, due_here.shared_pool.pool, due_here.queues["calm"]
    by_name = {name: run for run, name in due_here.runs.items()}
    assert await due_here.names() == ALL
    assert (await due_here.due()).more is False
    assert await due_here.names("calm") == ALL[2:]
    assert await due_here.names("no such queue") == []

    await client.update_work_queue(calm.id, concurrency_limit=2)
    assert await due_here.names() == ALL[:4]
    assert (await due_here.due()).more is True
    assert await due_here.names(unseen={calm.id: 1}) == ALL[:3]
    assert await due_here.names(unseen={calm.id: 2}) == ALL[:2]
    await client.set_flow_run_state(by_name["calm0"], Pending())
    assert await due_here.names() == ["urgent0", "urgent1", "calm1"], "Pending takes a slot"

    await client.update_work_pool(pool, WorkPoolUpdate(concurrency_limit=3))
    assert await due_here.names() == ["urgent0", "urgent1"], "three slots, one taken"
    assert await due_here.names(unseen={None: 2}) == []
    assert (await due_here.due(unseen={None: 2})).more is True

    await client.set_flow_run_state(by_name["calm0"], Cancelled(), force=True)
    await client.update_work_queue(due_here.queues["urgent"].id, is_paused=True)
    assert await due_here.names() == ["calm1", "calm2"]
    await client.update_work_pool(pool, WorkPoolUpdate(is_paused=True))
    assert await due_here.names() == []
    assert await backlog.due_runs(client, f"none-{uuid.uuid4()}", frozenset(), datetime.now(UTC), Counter()) == Due(
        [], more=False
    )


async def test_a_look_reads_no_more_than_it_is_asked_for_and_says_that_there_is_more(due_here: Backlog) -> None:
    client, pool = due_here.shared_pool.client, due_here.shared_pool.pool
    by_name = {name: run for run, name in due_here.runs.items()}

    async def first(most: int) -> tuple[list[str], bool]:
        found = await backlog.due_runs(client, pool, frozenset(), datetime.now(UTC), Counter(), most)
        return [due_here.runs[run.id] for run in found.runs], found.more

    assert await first(3) == (ALL[:3], True)
    assert await first(6) == (ALL, False)
    await client.update_flow_run(by_name["urgent0"], empirical_policy=FlowRunPolicy(retry_type="in_process"))
    assert await first(1) == (ALL[1:2], True), "what is left to another process takes nobody's place"


async def test_a_run_that_another_process_retries_in_place_is_left_to_it(due_here: Backlog) -> None:
    by_name = {name: run for run, name in due_here.runs.items()}
    await due_here.shared_pool.client.update_flow_run(
        by_name["urgent0"], empirical_policy=FlowRunPolicy(retry_type="in_process")
    )
    assert await due_here.names() == ALL[1:]


async def test_runs_that_another_worker_took_are_no_longer_due(due_here: Backlog) -> None:
    client = due_here.shared_pool.client
    found = (await due_here.due()).runs
    await client.set_flow_run_state(found[1].id, Pending())
    left = await backlog.still_due(client, found, datetime.now(UTC))
    assert [due_here.runs[run.id] for run in left] == [ALL[0], *ALL[2:]]
