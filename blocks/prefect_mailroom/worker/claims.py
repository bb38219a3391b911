"""Whose claim a pending run is, and what a worker that was killed left behind.

A claim names its worker in the message of the state. A worker that is started again under its name finds by that what
it held before: nobody else would look at those runs for minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed, Scheduled

from prefect_mailroom.worker.backlog import PAGE, in_front
from prefect_mailroom.worker.settle import propose

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

    from prefect_mailroom.worker.prefect_private import WorkerBase


async def take_back(worker: WorkerBase) -> bool:
    """Return what a worker of this name claimed and did not begin, and report crashed what it had begun.

    To be called before the first claim, when none can be of this process. Two workers that run at the same time need
    two names.
    """
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING]))
    found = await worker.client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=state),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[worker.pool_name])),
        limit=PAGE,
    )
    for run in found:
        if run.state is None:
            continue
        if run.state.is_pending() and run.state.message == worker.claim_message:
            message = (
                f"Worker {worker.name} was ended before this run began, and returned it when it was started again."
            )
            await propose(worker, run, Scheduled(scheduled_time=in_front(run, datetime.now(UTC)), message=message))
        elif run.state.is_running() and await _was_claimed_by(worker, run):
            message = f"Worker {worker.name} was ended while it worked on this run."
            await propose(worker, run, Crashed(message=message))
    return True


async def _was_claimed_by(worker: WorkerBase, run: FlowRun) -> bool:
    """Tell whether the last claim of a run that has begun is of a worker of this name."""
    states = sorted(await worker.client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    claims = [state.message for state in states if state.is_pending()]
    return bool(claims) and claims[-1] == worker.claim_message
