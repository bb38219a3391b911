"""Brings Prefect in step with the schedules, as often as it takes, and hands requested executions over.

Level-triggered: every pass looks at what is wanted and what is there, so a lost signal, a crash between our write and
Prefect's, or an outage only delays it. Safe to run in several processes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from deployments.apply import apply, submit
from deployments.desired import desired
from deployments.diff import diff
from deployments.observed import read
from deployments.rescue import rescue
from reports.database import Database
from reports.errors import Unavailable
from reports.repositories import executions
from reports.repositories import schedules as stored
from reports.settings import Settings
from reports.states import ExecutionState, ScheduleState

_LOG = logging.getLogger(__name__)
_DOWN = (httpx.TransportError, OSError, TimeoutError)
_BATCH = 100
_RESCUE_EVERY = 4


def explain(error: Exception) -> tuple[str, bool]:
    """Why Prefect did not take a change, in words, and whether trying again cannot help."""
    if isinstance(error, PrefectHTTPStatusError):
        code = error.response.status_code
        return f"Prefect refused the change: {code} {error.response.text[:500]}", code in (400, 403, 409, 422)
    if isinstance(error, ObjectNotFound):
        return "Prefect does not know the work pool; `mailroom init` makes it.", False
    return f"Prefect does not answer ({type(error).__name__}); the change is kept and tried again.", False


class Reconciler:
    """One a process. `run_forever` is its background work; `settle_*` hurry one change along."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    def _client(self) -> PrefectClient:
        return PrefectClient(self._settings.prefect_api, httpx_settings={"timeout": httpx.Timeout(10.0, connect=2.0)})

    async def run_forever(self) -> None:
        """Try whatever is pending every `sync_every_seconds`, until cancelled."""
        rounds = 0
        while True:
            try:
                await self.run_pass()
                if rounds % _RESCUE_EVERY == 0:
                    await self.rescue()
            except Exception:
                # The next pass starts from the database again; one bad pass must not end the loop.
                _LOG.exception("A reconcile pass failed; the next one starts over.")
            rounds += 1
            await asyncio.sleep(self._settings.sync_every_seconds)

    async def run_pass(self) -> int:
        """Try everything that is pending once; returns how many changes and requests were looked at."""
        async with self._database.session() as session:
            pending = [row.id for row in await stored.unsynced(session, _BATCH)]
            requested = [row.id for row in await executions.unsubmitted(session, limit=_BATCH)]
        if not pending and not requested:
            return 0
        with contextlib.suppress(Unavailable):  # Recorded where it happened; the rest would fail the same way.
            async with self._client() as client:
                for schedule_id in pending:
                    await self._sync(client, schedule_id)
                for execution_id in requested:
                    await self._submit(client, execution_id)
        return len(pending) + len(requested)

    async def rescue(self) -> int:
        """Look for runs whose process died; returns how many were put back or ended. Prefect being down is no news."""
        with contextlib.suppress(*_DOWN):
            async with self._client() as client:
                return await rescue(client, self._database, now=datetime.now(UTC))
        return 0

    async def settle_schedule(self, schedule_id: str) -> None:
        """Bring one schedule, and what was asked of it, in step now.

        Waits `sync_wait_seconds` at most and goes on behind the caller's back.
        """
        await self._hurry(self._settle_schedule(schedule_id))

    async def settle_execution(self, execution_id: str) -> None:
        """Hand one requested execution to Prefect now; waits as `settle_schedule` does."""
        await self._hurry(self._settle_execution(execution_id))

    async def close(self) -> None:
        """End what still goes on; the next process starts from the database."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hurry(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        await asyncio.wait([task], timeout=self._settings.sync_wait_seconds)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error and not isinstance(error, Unavailable):
            _LOG.error("A change could not be brought to Prefect; the next pass tries again.", exc_info=error)

    async def _settle_schedule(self, schedule_id: str) -> None:
        async with self._database.session() as session:
            requested = [row.id for row in await executions.unsubmitted(session, schedule_id=schedule_id)]
        async with self._client() as client:
            await self._sync(client, schedule_id)
            for execution_id in requested:
                await self._submit(client, execution_id)

    async def _settle_execution(self, execution_id: str) -> None:
        async with self._client() as client:
            await self._submit(client, execution_id)

    async def _sync(self, client: PrefectClient, schedule_id: str) -> UUID | None:
        """One try for one schedule; returns its deployment's id, None where it has or gets none.

        Raises:
            Unavailable: Prefect does not answer; this is recorded on the schedule.
        """
        async with self._locks.setdefault(schedule_id, asyncio.Lock()):
            async with self._database.session() as session:
                schedule = await stored.find(session, schedule_id)
            if schedule is None:
                return None
            try:
                there = (await read(client, [schedule_id])).get(schedule_id)
                action = diff(desired(schedule, self._settings), there)
                deployment_id = await apply(client, action) if action else (there.id if there else None)
            except (*_DOWN, PrefectHTTPStatusError, ObjectNotFound) as error:
                message, final = explain(error)
                async with self._database.session() as session:
                    await stored.mark_sync_failed(session, schedule_id, message, final=final)
                _LOG.warning("Schedule %s is not in step: %s", schedule_id, message)
                if isinstance(error, _DOWN):
                    raise Unavailable(message) from error
                return None
            async with self._database.session() as session:
                shown = str(deployment_id) if deployment_id else None
                await stored.mark_synced(session, schedule_id, generation=schedule.generation, deployment_id=shown)
            return deployment_id

    async def _submit(self, client: PrefectClient, execution_id: str) -> None:
        """Create the flow run of a requested execution. Twice is once: the execution's id is the idempotency key."""
        async with self._database.session() as session:
            execution = await executions.get(session, execution_id)
            schedule = await stored.find(session, execution.schedule_id)
            if schedule is None or execution.flow_run_id or execution.status is not ExecutionState.PENDING:
                return
            if schedule.state is ScheduleState.DELETED:
                execution.status, execution.reason = ExecutionState.CANCELLED, "The schedule was deleted first."
                return
        deployment_id = await self._sync(client, schedule.id)
        if deployment_id is None:
            return
        try:
            run = await submit(client, deployment_id, schedule, execution)
        except _DOWN as error:
            raise Unavailable(explain(error)[0]) from error
        async with self._database.session() as session:
            await executions.set_flow_run(session, execution_id, str(run.id))
