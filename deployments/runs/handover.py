"""Give an occurrence that the watchdog found the run that waits for it, late since Prefect or the workers were away.

That spares a second run, which the claim would stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import lifecycle
from mailroom.executions import repository as executions
from mailroom.executions.reasons import ReasonCode, because
from mailroom.schedules import repository as stored
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.tables import Execution, Schedule

_HANDED_OVER = (ExecutionState.PENDING, ExecutionState.RETRYING)


def matches(waiting: Sequence[Execution], runs: Sequence[FlowRun]) -> dict[str, str]:
    """Match executions to the runs that Prefect's scheduler made for their due times: execution id -> run id. Pure."""
    made: dict[datetime, str] = {
        run.expected_start_time.replace(second=0, microsecond=0): str(run.id)
        for run in runs
        if run.auto_scheduled and run.expected_start_time
    }
    return {row.id: made[row.due_at] for row in waiting if row.due_at in made}


async def hand_waiting_runs(
    client: PrefectClient, database: Database, deployment_id: UUID, requested: Sequence[Execution], *, now: datetime
) -> set[str]:
    """Give scheduled occurrences the runs that wait for them in Prefect; return the executions that got one.

    Runs that have left SCHEDULED are not taken: their process may be dead, and a second run does no harm.
    """
    waiting = [
        row
        for row in requested
        if row.kind is ExecutionKind.SCHEDULED and row.status is ExecutionState.PENDING and row.due_at <= now
    ]
    if not waiting:
        return set()
    runs = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            expected_start_time=FlowRunFilterExpectedStartTime(after_=min(row.due_at for row in waiting), before_=now),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=200,
    )
    found = matches(waiting, runs)
    if found:
        await database.transact(partial(_remember, found))
    return set(found)


async def _remember(found: Mapping[str, str], session: AsyncSession) -> None:
    for execution_id, run_id in found.items():
        await executions.set_flow_run(session, execution_id, run_id)


async def to_submit(session: AsyncSession, execution_id: str, *, now: datetime) -> tuple[Schedule, Execution] | None:
    """Return an execution that still needs a flow run, with its schedule; one of a deleted schedule is cancelled."""
    execution = await executions.get(session, execution_id)
    schedule = await stored.find(session, execution.schedule_id)
    if schedule is None or execution.flow_run_id or execution.status not in _HANDED_OVER:
        return None
    if schedule.state is ScheduleState.DELETED:
        lifecycle.cancel(execution, because(ReasonCode.SCHEDULE_DELETED), schedule=schedule, now=now)
        return None
    return schedule, execution
