"""Find the runs that a dead worker had claimed, and put them back long before their silence alone would tell.

A worker says in the state Pending that it has claimed the run, and shows Prefect again and again that it lives. When it
falls silent, what it had in hand is lost: children end with their worker.
"""

from __future__ import annotations

import re
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

_CLAIMED = re.compile(r"Claimed by worker (?P<name>.+)\.")
_SETTLING = timedelta(seconds=10)
"""How long a run must have been in its state: one that was claimed just now belongs to whoever claimed it."""
_BATCH = 200
_INTERVALS, _ALLOWANCE = 3, 5.0
"""A worker is dead when it was not heard for three of its own intervals and these seconds."""


def claimed_by(message: str | None) -> str:
    """Return the worker that says in this message of a Pending that it has the run; empty where none does. Pure."""
    found = _CLAIMED.fullmatch(message or "")
    return found["name"] if found else ""


def heard_until(workers: Collection[Worker]) -> datetime | None:
    """Return when Prefect last heard from any worker, by its own clock; None where it has heard from none. Pure."""
    return max((one.last_heartbeat_time for one in workers if one.last_heartbeat_time is not None), default=None)


def dead(workers: Collection[Worker], now: datetime) -> set[str]:
    """Return the names of the workers that were not heard for too long, by Prefect's time. Pure."""
    return {worker.name for worker in workers if _is_silent(worker, now)}


def _is_silent(worker: Worker, now: datetime) -> bool:
    if worker.last_heartbeat_time is None:
        return False
    interval = worker.heartbeat_interval_seconds or 30
    return now - worker.last_heartbeat_time > timedelta(seconds=_INTERVALS * interval + _ALLOWANCE)


async def abandoned(client: PrefectClient, pool: str) -> Sequence[FlowRun]:
    """Return the runs that a dead worker had claimed and that have not ended.

    The newest sign of life of any worker is the time by which the others are judged. So no clock but Prefect's counts,
    and nothing is taken from anybody after an outage of Prefect, or where no worker could take it up.
    """
    workers = await client.read_workers_for_work_pool(pool)
    now = heard_until(workers)
    gone = dead(workers, now) if now is not None else set()
    if now is None or not gone:
        return []
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING]))
    wanted = FlowRunFilter(state=states, tags=FlowRunFilterTags(all_=["mailroom"]))
    runs = await client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=_BATCH)
    settled = [run for run in runs if run.state is not None and run.state.timestamp < now - _SETTLING]
    found = [run for run in settled if run.state_type is StateType.PENDING and _by(run) in gone]
    begun = [run for run in settled if run.state_type is StateType.RUNNING]
    return [*found, *[run for run in begun if await _was_claimed_by(client, run.id) in gone]]


def _by(run: FlowRun) -> str:
    return claimed_by(run.state.message if run.state else None)


async def _was_claimed_by(client: PrefectClient, run_id: UUID) -> str:
    """Return the worker that last claimed a run which is running, by the history of its states."""
    states = sorted(await client.read_flow_run_states(run_id), key=lambda state: state.timestamp, reverse=True)
    return next((name for state in states if (name := claimed_by(state.message))), "")
