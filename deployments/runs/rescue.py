"""Find executions whose process died, and put their runs back; the ledger makes another pass safe.

Prefect by itself does neither: a run left PENDING is never taken up again, a run whose machine died stays RUNNING, and
a crashed one is never retried (PrefectHQ/prefect#22664, #10211).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from deployments.runs.abandoned import abandoned
from deployments.runs.again import run_again
from mailroom.executions import silence
from mailroom.executions.fence import PassLost
from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.passes.conclude import conclude
from mailroom.passes.outcome import Outcome
from mailroom.states import ExecutionState
from mailroom.storage.database import Database
from mailroom.storage.tables import Execution
from prefect_mailroom.worker.backlog import in_front

_LOG = logging.getLogger(__name__)
QUIET = timedelta(minutes=2)
"""How long nothing may be heard of a run before it is looked at; longer than a lease and than a worker's start."""
MAX_PASSES = 20
"""How many passes that died are followed by another one; planned retries do not count."""
_CRASH_SETTLES = timedelta(seconds=5)
"""How long a run that crashed before the ledger knew it is left alone the first time; four times longer each time."""
_LONGEST = timedelta(days=7)
"""A retry is put back until then after its due time, however often its process dies: no run expires later."""
_BATCH = 100


class Cure(StrEnum):
    """The cure of an execution whose process fell silent."""

    NOTHING = "nothing"
    PUT_BACK = "put back"
    HAND_OVER = "create a new run"
    FAIL = "fail"
    CANCEL = "cancel"


def cure(execution: Execution, run: FlowRun | None, *, now: datetime) -> Cure:
    """Decide by Prefect's word on the flow run. Pure.

    A run that is gone was deleted with its deployment, by a change near its time or by hand. Where nothing works on the
    execution, it gets another one. A run that failed did so by an error of ours that the pass could not record: the
    ledger decides what becomes of an execution. What waits in Prefect's queue is left alone, however late it is.
    """
    begun = execution.status is ExecutionState.RUNNING
    if run is None:
        return Cure.FAIL if begun else Cure.HAND_OVER
    match run.state_type:
        case StateType.CANCELLED | StateType.CANCELLING:
            return Cure.CANCEL
        case StateType.COMPLETED if execution.status is not ExecutionState.RETRYING:
            return Cure.FAIL
        case StateType.FAILED | StateType.COMPLETED | StateType.CRASHED:
            return _put_back_or_fail(execution, now)
        case StateType.RUNNING | StateType.PENDING if begun or _quiet(run, now):
            return _put_back_or_fail(execution, now)
    return Cure.NOTHING


def _put_back_or_fail(execution: Execution, now: datetime) -> Cure:
    """Give up after too many dead passes. What the ledger says is retried is given up only once it has expired."""
    if (execution.crash_count or 0) < MAX_PASSES:
        return Cure.PUT_BACK
    waits = execution.status is ExecutionState.RETRYING and now <= execution.due_at + _LONGEST
    return Cure.PUT_BACK if waits else Cure.FAIL


def _quiet(run: FlowRun, now: datetime) -> bool:
    """Say whether the run has been in its state for long."""
    return run.state is not None and now - run.state.timestamp > QUIET


async def rescue(client: PrefectClient, database: Database, *, now: datetime, patience: timedelta = timedelta()) -> int:
    """Look once at everything that fell silent; return how much was done.

    Args:
        patience: for how long a lease must have ended. After an outage of the database nobody could renew one.
    """
    done, beyond = 0, None
    while True:
        async with database.session() as session:
            silent = await silence.silent(session, before=now - QUIET, now=now - patience, limit=_BATCH, beyond=beyond)
        runs = await _runs(client, [row.flow_run_id for row in silent if row.flow_run_id])
        for execution in silent:
            run = runs.get(execution.flow_run_id or "")
            chosen = cure(execution, run, now=now)
            if chosen is not Cure.NOTHING:
                await _apply(client, database, execution, run, chosen, now)
                done += 1
        if len(silent) < _BATCH:
            break
        beyond = (silent[-1].due_at, silent[-1].id)
    done += await _abandoned(client, database, now=now)
    return done + await _unclaimed(client, database, now=now)


async def _runs(client: PrefectClient, ids: Sequence[str]) -> dict[str, FlowRun]:
    if not ids:
        return {}
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id) for run_id in ids]))
    found = await client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.ID_DESC, limit=_BATCH)
    return {str(run.id): run for run in found}


async def _apply(
    client: PrefectClient, database: Database, execution: Execution, run: FlowRun | None, chosen: Cure, now: datetime
) -> None:
    _LOG.warning(
        "Execution %s has stopped reporting; its run is %s. Action: %s.", execution.id, run and run.state_type, chosen
    )
    if chosen is Cure.PUT_BACK and run is not None:
        await database.transact(lambda session: silence.count_crash(session, execution.id))
        await _put_back(client, run, now)
        return
    if chosen is Cure.HAND_OVER:
        flow_run_id = execution.flow_run_id or ""
        await database.transact(lambda session: silence.forget_flow_run(session, execution.id, flow_run_id))
        return
    if chosen is Cure.CANCEL:
        outcome = Outcome(ExecutionState.CANCELLED, because(ReasonCode.CANCELLED_IN_PREFECT))
    else:
        outcome = Outcome(ExecutionState.FAILED, _no_outcome(run))
    try:
        number = execution.pass_count
        await database.transact(lambda session: conclude(session, execution.id, outcome, pass_number=number, now=now))
    except PassLost:
        _LOG.info("Execution %s has been taken up by another pass meanwhile.", execution.id)


def _no_outcome(run: FlowRun | None) -> Reason:
    if run is None:
        return because(ReasonCode.RUN_GONE)
    said = (run.state.message if run.state else "") or str(run.state_name)
    return because(ReasonCode.NO_OUTCOME, said=said[:500])


async def _put_back(client: PrefectClient, run: FlowRun, now: datetime) -> None:
    message = "The process of this run ended. Mailroom scheduled the run again."
    await run_again(client, run.id, message, now=in_front(run, now))


async def _abandoned(client: PrefectClient, database: Database, *, now: datetime) -> int:
    """Put back what dead workers had in hand; what the ledger knows as running has a lease, which tells more."""
    found = await abandoned(client)
    if not found:
        return 0
    async with database.session() as session:
        running = await silence.worked_on(session, [str(run.id) for run in found])
    return await _put_lost_back(client, found, running, "The worker of run %s is gone (%s).", now)


async def _unclaimed(client: PrefectClient, database: Database, *, now: datetime) -> int:
    """Put back runs whose worker died before the ledger knew them: PENDING for too long, or crashed."""
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.CRASHED]))
    wanted = FlowRunFilter(state=states, tags=FlowRunFilterTags(all_=["mailroom"]))
    found = await client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=_BATCH)
    stale = [run for run in found if run.state and now - settles(run) > run.state.timestamp > now - timedelta(days=1)]
    async with database.session() as session:
        known = await silence.with_executions(session, [str(run.id) for run in stale])
    return await _put_lost_back(client, stale, known, "Run %s was never started (%s).", now)


def settles(run: FlowRun) -> timedelta:
    """Return for how long a run that the ledger does not know is left in its state. Pure.

    Nothing works any more on one that crashed, so it need not be late; where each of its processes crashes, the passes
    that it has must outlast what is wrong there.
    """
    if run.state_type is not StateType.CRASHED:
        return QUIET
    factor: int = 4 ** min(max(run.run_count - 1, 0), 4)
    return min(QUIET, _CRASH_SETTLES * factor)


async def _put_lost_back(
    client: PrefectClient, found: Sequence[FlowRun], known: Collection[str], why: str, now: datetime
) -> int:
    """Put back the runs that the ledger does not know and that have passes left; return how many."""
    lost = [run for run in found if str(run.id) not in known and run.run_count < MAX_PASSES]
    for run in lost:
        _LOG.warning(why + " It is scheduled again.", run.id, run.state_type)
        await _put_back(client, run, now)
    return len(lost)
