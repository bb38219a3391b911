"""Find the runs that a dead worker had claimed, and put them back long before their silence alone would tell.

A worker says in the state Pending that it has claimed the run, and shows Prefect again and again that it lives. When it
falls silent, what it had in hand is lost: children end with their worker.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType, Worker
from prefect.client.schemas.sorting import FlowRunSort

from prefect_mailroom.worker.claim_words import claimer

_BATCH = 200
_INTERVALS, _ALLOWANCE = 3, 5.0
"""A worker lives while it was heard within three of its own intervals and these seconds."""


def living(workers: Collection[Worker]) -> set[str]:
    """Return the names of the workers that live, by the time of the newest sign of life of any of them. Pure.

    So no clock but Prefect's counts, and after an outage of Prefect nobody looks dead.
    """
    until = max((one.last_heartbeat_time for one in workers if one.last_heartbeat_time is not None), default=None)
    return set() if until is None else {one.name for one in workers if _lives(one, until)}


def _lives(worker: Worker, until: datetime) -> bool:
    longest = timedelta(seconds=_INTERVALS * (worker.heartbeat_interval_seconds or 30) + _ALLOWANCE)
    return worker.last_heartbeat_time is None or until - worker.last_heartbeat_time <= longest


async def abandoned(client: PrefectClient) -> Sequence[FlowRun]:
    """Return the runs that dead workers had claimed and that have not ended.

    Nothing is taken from anybody where no worker of the pool lives, since none could take it up.
    """
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING]))
    wanted = FlowRunFilter(state=states, tags=FlowRunFilterTags(all_=["mailroom"]))
    runs = await client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=_BATCH)
    found: list[FlowRun] = []
    for pool in sorted({run.work_pool_name for run in runs if run.work_pool_name}):
        workers = await client.read_workers_for_work_pool(pool)
        alive = living(workers)
        everyone_lives = all(worker.name in alive for worker in workers)
        for run in (run for run in runs if alive and run.work_pool_name == pool):
            # Most of the time all live, and the history of what is running need not be read.
            is_pending = run.state_type is StateType.PENDING
            by = _by(run) if is_pending else None if everyone_lives else await _was_claimed_by(client, run.id)
            if by is not None and by not in alive:
                found.append(run)
    return found


def _by(run: FlowRun) -> str | None:
    return claimer(run.state.message if run.state else None)


async def _was_claimed_by(client: PrefectClient, run_id: UUID) -> str | None:
    """Return the worker that last claimed a run which is running, by the history of its states."""
    states = sorted(await client.read_flow_run_states(run_id), key=lambda state: state.timestamp, reverse=True)
    return next((name for state in states if (name := claimer(state.message))), None)
