"""Wake the runs of executions that waited for a stop which has been lifted, a page at a time.

A stop may hold thousands, and each is a call to Prefect: no request waits for that. What waits shows in the ledger, so
that a process that dies in the middle loses nothing. Of those that wait for a connection whose breaker is open, only as
many are woken as may try it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from deployments.runs.again import run_again
from deployments.write_limiter import WriteLimiter
from mailroom.releases import held
from mailroom.storage.database import Database
from mailroom.storage.tables import Execution

_LOG = logging.getLogger(__name__)
_BATCH = 100
_LIFTED = "The stop that held this run back was lifted."
_TRIES = "This run tries whether its connection works again."


async def wake(client: PrefectClient, database: Database, limiter: WriteLimiter, *, now: datetime) -> int:
    """Let everything go on that nothing holds any more, and a few that try a connection which failed.

    Return how many runs were woken or given up as gone.
    """
    async with database.session() as session:
        trying = await held.to_try(session, now=now)
    done, beyond = await _wake_all(client, database, limiter, trying, _TRIES, now), None
    while True:
        async with database.session() as session:
            waiting = await held.released(session, now=now, limit=_BATCH, beyond=beyond)
        done += await _wake_all(client, database, limiter, waiting, _LIFTED, now)
        if len(waiting) < _BATCH:
            if done:
                _LOG.info("%d executions go on, since nothing holds them any more, or to try their connection.", done)
            return done
        beyond = (waiting[-1].due_at, waiting[-1].id)


async def _wake_all(
    client: PrefectClient,
    database: Database,
    limiter: WriteLimiter,
    executions: Sequence[Execution],
    message: str,
    now: datetime,
) -> int:
    runs, done = await _runs(client, executions), 0
    for execution in executions:
        run = runs.get(execution.flow_run_id or "")
        done += await _wake(client, database, limiter, execution, run, message, now)
    return done


async def _wake(
    client: PrefectClient,
    database: Database,
    limiter: WriteLimiter,
    execution: Execution,
    run: FlowRun | None,
    message: str,
    now: datetime,
) -> bool:
    """Wake one run. One that works or is about to begin is left alone: it sees by itself, or the next look does."""
    if run is not None and run.state_type in (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING):
        return False
    if run is not None:
        await limiter.wait_for_turn()
        await run_again(client, run.id, message, now=now)
    note = held.woken if run is not None else held.without_run
    await database.transact(partial(note, execution=execution, now=now))
    return True


async def _runs(client: PrefectClient, executions: Sequence[Execution]) -> dict[str, FlowRun]:
    ids = [UUID(row.flow_run_id) for row in executions if row.flow_run_id]
    if not ids:
        return {}
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=ids))
    found = await client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.ID_DESC, limit=_BATCH)
    return {str(run.id): run for run in found}
