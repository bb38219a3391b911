"""Find the runs that are due.

Prefect's `get_scheduled_flow_runs` marks every deployment of the queue as ready at each poll, which costs the server
half a second at 10,000 deployments. Here flow runs are read by filter instead, and what that query does besides is done
on this side: paused pools and queues, queue priorities, concurrency limits of pool and queues, and leaving out runs
that another process retries in place. Limits hold for what this worker sees; as with Prefect's own query, two workers
that poll at the same moment can both take the last slot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkQueueFilter,
    WorkQueueFilterId,
)
from prefect.client.schemas.objects import FlowRun, StateType, WorkQueue
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

# The server's own most for one answer, by default.
PAGE = 200
_BEFORE = timedelta(seconds=1)


class Due(NamedTuple):
    """Runs to start, and whether a limit or the page size may have kept back others."""

    runs: list[FlowRun]
    more: bool


async def due_runs(
    client: PrefectClient,
    pool_name: str,
    queue_names: frozenset[str],
    before: datetime,
    unseen: Counter[UUID | None],
    most: int = PAGE,
) -> Due:
    """Return up to `most` runs in the order in which they should start: by priority of their queue, then by time.

    `unseen` are this worker's claims that the server may not count yet, by queue.
    """
    try:
        pool = await client.read_work_pool(pool_name)
    except ObjectNotFound:
        return Due([], more=False)  # Prefect's heartbeat creates it, or says why not.
    if pool.is_paused:
        return Due([], more=False)
    room = min(most, _free(pool.concurrency_limit, pool.active_slots, unseen.total()))
    if room == 0:
        return Due([], more=True)
    queues = [queue for queue in await _queues(client, pool_name, queue_names) if not queue.is_paused]
    found, more = [], False
    for _, level in groupby(sorted(queues, key=lambda queue: queue.priority), key=lambda queue: queue.priority):
        runs, held_back = await _level(client, list(level), before, unseen, most)
        found += runs
        more = more or held_back
        if len(found) >= room:
            return Due(found[:room], more=True)
    return Due(found, more)


async def _queues(client: PrefectClient, pool_name: str, names: frozenset[str]) -> list[WorkQueue]:
    queues: list[WorkQueue] = []
    while True:
        page = await client.read_work_queues(work_pool_name=pool_name, limit=PAGE, offset=len(queues))
        queues += page
        if len(page) < PAGE:
            return [queue for queue in queues if not names or queue.name in names]


def _free(limit: int | None, active: int | None, unseen: int) -> int:
    return PAGE if limit is None else min(PAGE, max(0, limit - (active or 0) - unseen))


async def _level(
    client: PrefectClient, queues: list[WorkQueue], before: datetime, unseen: Counter[UUID | None], most: int
) -> Due:
    """Return the due runs of queues of one priority. A queue with a limit is asked alone, so it crowds out no other."""
    asked = [([queue.id for queue in queues if queue.concurrency_limit is None], most)]
    asked += [
        ([queue.id], min(most, _free(queue.concurrency_limit, queue.active_slots, unseen[queue.id])))
        for queue in queues
        if queue.concurrency_limit is not None
    ]
    found, more = [], False
    for ids, free in asked:
        runs = await _scheduled(client, ids, before, free) if ids and free else []
        found += runs
        more = more or (bool(ids) and len(runs) == free)
    return Due(sorted(found, key=lambda run: due_at(run) or before)[:most], more or len(found) > most)


async def still_due(client: PrefectClient, runs: list[FlowRun], before: datetime) -> list[FlowRun]:
    """Return the runs among these that are still due, as they are now."""
    wanted = FlowRunFilter(
        id=FlowRunFilterId(any_=[run.id for run in runs]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=before),
    )
    found = {run.id: run for run in await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE)}
    return [found[run.id] for run in runs if run.id in found]


async def _scheduled(client: PrefectClient, queues: list[UUID], before: datetime, limit: int) -> list[FlowRun]:
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=before),
    )
    in_these = WorkQueueFilter(id=WorkQueueFilterId(any_=queues))
    found: list[FlowRun] = []
    offset = 0
    while len(found) < limit:
        page = await client.read_flow_runs(
            flow_run_filter=wanted,
            work_queue_filter=in_these,
            sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
            limit=limit,
            offset=offset,
        )
        # The process that had such a run waits to go on with it.
        found += [run for run in page if run.empirical_policy.retry_type != "in_process"]
        offset += limit
        if len(page) < limit:
            break
    return found[:limit]


def spread(runs: Iterable[FlowRun], worker: str) -> list[FlowRun]:
    """Return the runs with those of one queue that are due at the same moment in an order of this worker's own. Pure.

    Else all workers would claim a minute's runs in the same order: each would lose half of its claims, and wait at the
    server for the other's first.
    """
    ordered: list[FlowRun] = []
    for _, alike in groupby(runs, key=lambda run: (run.work_queue_id, due_at(run))):
        ordered += sorted(alike, key=lambda run: blake2b(run.id.bytes, key=worker.encode()[:64]).digest())
    return ordered


def in_front(flow_run: FlowRun, now: datetime) -> datetime:
    """Return a time by which a run that had its turn has the next one before all that became due with it. Pure.

    Workers take up runs by their time. By today's it would stand behind all that is due, minutes of it at a peak.
    """
    return min(now, flow_run.expected_start_time or now) - _BEFORE


def due_at(flow_run: FlowRun) -> datetime | None:
    """Return when a scheduled run is due."""
    return flow_run.next_scheduled_start_time


async def cancelling(client: PrefectClient, ids: Iterable[UUID]) -> list[FlowRun]:
    """Return the runs among these that somebody cancels."""
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            id=FlowRunFilterId(any_=list(ids)),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLING])),
        ),
        limit=PAGE,
    )


async def deployments(client: PrefectClient, ids: Iterable[UUID]) -> dict[UUID, DeploymentResponse]:
    """Return the deployments among these ids that exist."""
    wanted, found = list(ids), {}
    for start in range(0, len(wanted), PAGE):
        some = DeploymentFilter(id=DeploymentFilterId(any_=wanted[start : start + PAGE]))
        for deployment in await client.read_deployments(deployment_filter=some, limit=PAGE):
            found[deployment.id] = deployment
    return found
