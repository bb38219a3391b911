"""Brings Prefect in step with the schedules, as often as it takes, and hands requested executions over.

Level-triggered: every pass looks at what is wanted and what is there, so a lost signal, a crash between our write and
Prefect's, or an outage only delays it. Safe to run in several processes at once.

All writes of a process go through one queue with few workers: a Prefect server on SQLite stalls for a minute when eight
write at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_AUTH_STRING
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.outage import Outage
from deployments.rotation import Rotation
from deployments.runs.again import find_run, is_waiting, may_run_again, run_again
from deployments.runs.handover import hand_waiting_runs, to_submit
from deployments.runs.rescue import rescue
from deployments.runs.steady import SteadyLooks
from deployments.runs.wake import wake
from deployments.sync.apply import remove, submit
from deployments.sync.drift_finder import Drift, DriftFinder
from deployments.sync.schedule_syncer import sync_schedule
from deployments.sync.stray_finder import Stray, removable_strays
from deployments.watched_loop import WatchedLoop
from deployments.workqueue import WorkQueue
from deployments.write_limiter import WriteLimiter
from mailroom.errors import Unavailable
from mailroom.executions import again
from mailroom.executions import repository as executions
from mailroom.passes.lease import LENGTH
from mailroom.schedules import repository as stored
from mailroom.schedules import waiting
from mailroom.schedules.adoption import record_repair
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Execution

_LOG = logging.getLogger(__name__)
_DOWN = (httpx.TransportError, OSError, TimeoutError)
_BATCH = 100
_CHUNK = 8
_RESCUE_EVERY = 2
_LATE_AFTER = 300.0
"""For how many seconds a loop may go without a success: a pass over many changes takes minutes."""
SHARE = 0.01
"""How much of the time goes into reading on through all schedules: 1 % of one core of Prefect at most."""
_KNOWN_FIRST = timedelta(minutes=2)
"""How late a new run of a retry would begin by itself, if this process died before it told the execution of it."""
_SILENT = "Prefect does not answer. The change is stored and will be tried again."


def explain(error: Exception) -> tuple[str, bool]:
    """Return why Prefect did not take a change, in words, and whether trying again cannot help."""
    if isinstance(error, PrefectHTTPStatusError):
        code = error.response.status_code
        return f"Prefect refused the change: {code} {error.response.text[:500]}", code in (400, 403, 409, 422)
    if isinstance(error, ObjectNotFound):
        return "Prefect does not know the work pool; `mailroom init` creates it.", False
    return f"Prefect does not answer ({type(error).__name__}). The change is stored and will be tried again.", False


class PrefectSilent(Unavailable):
    """Prefect does not answer. That a database is busy is `Unavailable` as well, and is no reason to leave it alone."""


class Reconciler:
    """Keeps Prefect in step; one a process. `loops` work in the background; `settle_*` hurry a change along."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._queue = WorkQueue(self._settle, workers=settings.prefect_writers)
        self._drift_finder = DriftFinder(database, settings)
        self._looks = SteadyLooks()
        self._outage, self._write_limiter = Outage(), WriteLimiter(settings.prefect_writes_per_second)
        self._changed = Rotation(waiting.unsynced, size=_BATCH, start=new_id())
        self._requested = Rotation(waiting.with_requests, size=_BATCH, start=new_id())
        self._opened, self._opening = AsyncExitStack(), asyncio.Lock()
        self._client: PrefectClient | None = None
        self.silent_since: datetime | None = None
        """Since when Prefect has not answered this process; None while it does."""

    def loops(self) -> list[WatchedLoop]:
        """Return the loops of this process, each a task: changes and requests, lifted stops, drift, dead runs."""
        settings = self._settings
        return [
            WatchedLoop("reconciler", self.run_pass, every=settings.sync_every_seconds, late_after=_LATE_AFTER),
            WatchedLoop("stops", self.wake, every=settings.sync_every_seconds, late_after=_LATE_AFTER),
            WatchedLoop("drift repair", self._look_over, every=settings.drift_every_seconds, late_after=_LATE_AFTER),
            WatchedLoop(
                "rescue", self.rescue, every=_RESCUE_EVERY * settings.sync_every_seconds, late_after=_LATE_AFTER
            ),
        ]

    async def run_pass(self) -> int:
        """Try what is pending once, a page each of changes and of schedules with requests; returns how many there were.

        The pages go round: what Prefect refuses again and again takes its turn like everything else.
        """
        if self._outage.blocks(time.monotonic()):
            return 0
        async with self._database.session() as session:
            changed = await self._changed.next_page(session)
            requested = await self._requested.next_page(session)
        await self._settle_all(list(dict.fromkeys([*changed, *requested])))
        return len(changed) + len(requested)

    async def _look_over(self) -> None:
        await self.repair(seconds=self._settings.drift_every_seconds * SHARE)

    async def repair(self, *, seconds: float) -> int:
        """Find what differs in Prefect, see `DriftFinder.find`, and mend it; returns how much was found."""
        if self._outage.blocks(time.monotonic()):
            return 0
        try:
            client = await self._connected()
            drift = await self._drift_finder.find(client, seconds=seconds)
            await self._remove(client, drift)
        except (*_DOWN, PrefectHTTPStatusError) as error:
            self._silent(error)
            return 0
        self._answered()
        await self._settle_all(list(drift.verdicts))
        return len(drift.verdicts) + len(drift.strays)

    async def _settle_all(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), _CHUNK):
            # A few at a time, so that a change which somebody waits for gets its turn between them.
            await asyncio.wait([self._queue.add(schedule_id) for schedule_id in ids[start : start + _CHUNK]])
            if self._outage.blocks(time.monotonic()):
                return

    async def _remove(self, client: PrefectClient, drift: Drift) -> None:
        """Remove deployments that should not be there; each is kept in the audit trail."""
        going = removable_strays(list(drift.strays.values()), drift.ours)
        if kept := len(drift.strays) - len(going):
            _LOG.error(
                "%d deployments in Prefect belong to schedules that are not in our tables. They were not deleted. Is "
                "MAILROOM_DATABASE_URL the right database? `mailroom schedules diff` lists them.",
                kept,
            )
        for stray in going:
            await self._write_limiter.wait_for_turn()
            await remove(client, stray.observed.id)
            _LOG.warning("Removed the deployment %s from Prefect: %s.", stray.observed.name, stray.reason)
            await self._database.transact(partial(_record_removal, stray, self._database.now()))

    async def rescue(self) -> int:
        """Put back or end runs whose process died; returns how many, 0 where Prefect does not answer."""
        if self._outage.blocks(time.monotonic()):
            return 0
        with contextlib.suppress(*_DOWN):
            client, now = await self._connected(), self._database.now()
            patience = timedelta() if self._looks.is_steady(time.monotonic()) else LENGTH
            found = await rescue(client, self._database, now=now, patience=patience)
            self._looks.looked(time.monotonic())
            return found
        return 0

    async def wake(self) -> int:
        """Let go on what waited for a stop that was lifted; returns how many, 0 where Prefect does not answer."""
        if self._outage.blocks(time.monotonic()):
            return 0
        try:
            return await wake(await self._connected(), self._database, self._write_limiter, now=self._database.now())
        except (*_DOWN, PrefectHTTPStatusError) as error:
            self._silent(error)
        return 0

    async def settle_schedule(self, schedule_id: str) -> bool:
        """Bring one schedule, and what was asked of it, in step now.

        Waits `sync_wait_seconds` at most, and not at all while others wait; the work goes on behind the caller's back.
        Returns whether it was tried already.
        """
        done = self._queue.add(schedule_id)
        if self._queue.backlog > self._settings.prefect_writers:
            return False
        await asyncio.wait([done], timeout=self._settings.sync_wait_seconds)
        return done.done()

    async def settle_execution(self, execution_id: str) -> bool:
        """Hand one requested execution to Prefect now; waits as `settle_schedule` does."""
        async with self._database.session() as session:
            execution = await executions.get(session, execution_id)
        return await self.settle_schedule(execution.schedule_id)

    async def close(self) -> None:
        """Stop the work that still goes on; the next process starts from the database."""
        await self._queue.close()
        self._client = None
        await self._opened.aclose()

    async def _connected(self) -> PrefectClient:
        async with self._opening:  # Several loops and workers ask at once; nobody gets a client that is half open.
            if self._client is None:
                timeout = httpx.Timeout(10.0, connect=2.0)
                client = PrefectClient(
                    self._settings.prefect_api,
                    auth_string=PREFECT_API_AUTH_STRING.value(),
                    httpx_settings={"timeout": timeout},
                )
                self._client = await self._opened.enter_async_context(client)
            return self._client

    async def _settle(self, schedule_id: str) -> None:
        """Try once to bring one schedule in step, and to hand over the executions that were asked of it."""
        if self._outage.blocks(time.monotonic()):
            await self._database.transact(
                lambda session: stored.mark_sync_failed(session, schedule_id, _SILENT, final=False)
            )
            return
        async with self._database.session() as session:
            requested = await executions.unsubmitted(session, schedule_id=schedule_id)
            retries = await again.wanted(session, schedule_id=schedule_id)
        client = await self._connected()
        with contextlib.suppress(PrefectSilent):  # Recorded where it happened; the rest would fail the same way.
            deployment_id = await self._sync(client, schedule_id)
            handed_over = await self._hand_waiting_runs(client, deployment_id, requested)
            for execution in requested:
                if execution.id not in handed_over:
                    await self._submit(client, execution.id, deployment_id)
            for execution in retries:
                await self._retry(client, execution, deployment_id)

    async def _sync(self, client: PrefectClient, schedule_id: str) -> UUID | None:
        """Try once to bring one schedule in step; returns its deployment's id, None where it has or gets none.

        Raises:
            PrefectSilent: Prefect does not answer; this is recorded on the schedule.
        """
        try:
            deployment_id = await sync_schedule(
                client,
                self._database,
                self._settings,
                self._write_limiter,
                schedule_id,
                clock=self._database.now,
            )
        except (*_DOWN, PrefectHTTPStatusError, ObjectNotFound) as error:
            message, final = explain(error)
            await self._database.transact(
                lambda session: stored.mark_sync_failed(session, schedule_id, message, final=final)
            )
            if isinstance(error, _DOWN):
                raise self._silent(error) from error
            _LOG.warning("Prefect does not show schedule %s as it should: %s", schedule_id, message)
            return None
        self._answered()
        return deployment_id

    async def _hand_waiting_runs(
        self, client: PrefectClient, deployment_id: UUID | None, requested: Sequence[Execution]
    ) -> set[str]:
        if deployment_id is None:
            return set()
        try:
            return await hand_waiting_runs(client, self._database, deployment_id, requested, now=self._database.now())
        except _DOWN as error:
            raise self._silent(error) from error

    async def _submit(self, client: PrefectClient, execution_id: str, deployment_id: UUID | None) -> None:
        """Create the flow run of a requested execution. Its id is the idempotency key: a repetition makes no other."""
        now = self._database.now()
        wanted = await self._database.transact(lambda session: to_submit(session, execution_id, now=now))
        if wanted is None or deployment_id is None:
            return
        try:
            run = await submit(client, deployment_id, *wanted)
        except _DOWN as error:
            raise self._silent(error) from error
        except (PrefectHTTPStatusError, ObjectNotFound) as error:
            _LOG.warning(
                "Execution %s has no flow run yet; this will be tried again: %s", execution_id, explain(error)[0]
            )
            return
        await self._database.transact(lambda session: executions.set_flow_run(session, execution_id, str(run.id)))

    async def _retry(self, client: PrefectClient, execution: Execution, deployment_id: UUID | None) -> None:
        """Let an execution's flow run run again, as a person asked; one that is gone is replaced by a new one."""
        now = self._database.now()
        try:
            run = await find_run(client, execution.flow_run_id)
            if run is None and deployment_id is not None:
                run = await self._replace_run(client, execution, deployment_id, now)
            if run is None or not may_run_again(run):
                return
            if not is_waiting(run):
                await run_again(client, run.id, "A person asked for another try in Mailroom.", now=now)
        except _DOWN as error:
            raise self._silent(error) from error
        except (PrefectHTTPStatusError, ObjectNotFound) as error:
            message = "The retry of execution %s could not be passed to Prefect and will be tried again: %s"
            _LOG.warning(message, execution.id, explain(error)[0])
            return
        await self._database.transact(lambda session: again.handed_over(session, execution.id, now=now))

    async def _replace_run(
        self, client: PrefectClient, execution: Execution, deployment_id: UUID, now: datetime
    ) -> FlowRun | None:
        """Make the flow run of a retry whose own is gone.

        It begins later, since the execution must know it first: a run that it does not know is stopped by the claim.
        """
        async with self._database.session() as session:
            schedule = await stored.find(session, execution.schedule_id)
        if schedule is None:
            return None
        run = await submit(
            client, deployment_id, schedule, execution, at=now + _KNOWN_FIRST, key=again.retry_key(execution)
        )
        await self._database.transact(lambda session: again.set_run(session, execution, str(run.id)))
        await run_again(client, run.id, "A person asked for another try in Mailroom.", now=now)
        return await client.read_flow_run(run.id)

    def _silent(self, error: Exception) -> PrefectSilent:
        """Leave a Prefect that did not answer alone for a while; the log tells it once."""
        message, _ = explain(error)
        if self._outage.failed(time.monotonic(), random.random()):  # noqa: S311  spreads load, keeps no secret
            self.silent_since = self._database.now()
            _LOG.warning("%s Changes wait until Prefect is back.", message)
        return PrefectSilent(message)

    def _answered(self) -> None:
        if self._outage.answered():
            self.silent_since = None
            _LOG.warning("Prefect answers again. Waiting changes are being applied.")


async def _record_removal(stray: Stray, now: datetime, session: AsyncSession) -> None:
    detail = {"removed": stray.observed.name, "reason": stray.reason}
    record_repair(session, stray.schedule_id, now=now, detail=detail)
