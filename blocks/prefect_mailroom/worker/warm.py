"""The worker type `mailroom-warm`: runs start in processes that have imported everything already.

A run is claimed (set Pending) up to the prefetch time before it is due, waits here, and is handed to a child at its
second. Prefect's engine in the child does the rest. This side settles what a child cannot: cancelled, crashed, or
handed back because the worker stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import anyio
import httpx
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_WORKER_QUERY_SECONDS
from prefect.states import Cancelled

from prefect_mailroom.worker import backlog
from prefect_mailroom.worker.claims import take_back
from prefect_mailroom.worker.configuration import WarmJobConfiguration, WarmVariables, grace_seconds
from prefect_mailroom.worker.prefect_private import WorkerBase
from prefect_mailroom.worker.processes.code import CodeUnusable
from prefect_mailroom.worker.processes.handles import ChildDied
from prefect_mailroom.worker.processes.pool import Pool
from prefect_mailroom.worker.settle import SETTLED, InHand, propose, settle, was_run_meanwhile
from prefect_mailroom.worker.together import Together

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

_DEFAULT_LIMIT = 8
# Claimed and waiting, for each run that may be in progress: enough that no child waits for a claim, few enough that
# other workers find work and that little is handed back.
_AHEAD = 2
# Read at a look, for each that may be claimed: enough for two workers that choose among them seldom to meet.
_LOOK_AHEAD = 4
_CANCEL_POLL_SECONDS = 0.7
# A flow with cancellation hooks may use so long for them; one without is killed at once.
_HOOK_SECONDS = 30
_STALE_SECONDS = 5
_FRESH_SECONDS = 0.3
_FEED_SECONDS = 0.2
_FEED_LOOKS = 5
_CONFIGURATION_SECONDS = 60


class WarmWorker(WorkerBase):
    """Runs flows in warm processes, forked from one that has imported them."""

    type = "mailroom-warm"
    job_configuration = WarmJobConfiguration
    job_configuration_variables = WarmVariables
    _display_name = "Mailroom Warm"
    _description = (
        "Execute flow runs in processes that have Prefect and the flow imported already: many times the runs per "
        "second of the process worker, on the same machine."
    )

    async def setup(self) -> None:
        """Do Prefect's set-up, then start the pool and the tasks that watch beside it."""
        if not hasattr(os, "fork"):
            raise RuntimeError("Workers of type mailroom-warm need fork(), which this system lacks. Use type process.")
        self._grace = grace_seconds()
        self._in_hand: dict[UUID, InHand] = {}
        self._candidates: deque[FlowRun] = deque()
        self._candidates_read = -float(_STALE_SECONDS)
        self._more_waiting = False
        self._lost, self._took_back = 0, False
        self._claiming = asyncio.Lock()
        self._room = asyncio.Event()
        self._stopping = False
        self._deployments: dict[UUID, DeploymentResponse] = {}
        self._configurations: dict[str, WarmJobConfiguration] = {}
        self._configurations_read = 0.0
        limit = self.run_limit or _DEFAULT_LIMIT
        self._pool = Pool(limit, self._logger)
        await super().setup()
        self._clock = self.server_clock()
        self._reads = Together(self.client)
        self.lay_claims(limit * (1 + _AHEAD))
        self._watchers = [asyncio.create_task(self._watch_cancellation()), asyncio.create_task(self._feed())]
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Not in the main thread: no signals.
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._renew)

    async def teardown(self, *exc_info: Any) -> None:
        """Finish or hand back what is in hand, end every process, then do Prefect's own teardown."""
        self._stopping = True
        with anyio.CancelScope(shield=True):
            await self._wind_down()
            for watcher in self._watchers:
                watcher.cancel()
            await asyncio.gather(*self._watchers, return_exceptions=True)
            await self._pool.close()
        await super().teardown(*exc_info)

    def _renew(self) -> None:
        self._logger.info("SIGHUP: flows are imported again for the runs to come.")
        self._deployments.clear()
        self._configurations.clear()
        self._pool.renew()

    # Claiming

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Look for due runs and claim what there is room for; Prefect calls this every `worker.query_seconds`."""
        if not self.polled() or self._stopping:
            return []
        self._took_back = self._took_back or await take_back(self)
        self._candidates.clear()
        return await self._take_on()

    async def _feed(self) -> None:
        """Claim more runs between two polls as others end, as long as the last poll saw more."""
        while True:
            await self._room.wait()
            self._room.clear()
            if not self._more_waiting or self._stopping:
                continue
            try:
                await self._take_on()
            except httpx.HTTPError as error:
                self._logger.debug("An extra poll failed. The next regular poll follows: %r", error)
            # Runs end in bursts, and a few claimed together cost the server less; enough are claimed ahead.
            for _ in range(_FEED_LOOKS):
                await asyncio.sleep(_FEED_SECONDS)
                if self.room() >= self._pool.limit:
                    break

    async def _take_on(self) -> list[FlowRun]:
        taken: list[FlowRun] = []
        async with self._claiming:
            age = asyncio.get_running_loop().time() - self._candidates_read
            # Once other workers turn out to be at the same runs, look what is left.
            if self.room() and (not self._candidates or age > _STALE_SECONDS or self._lost >= 3):
                await self._read_candidates()
            elif self._candidates and age > _FRESH_SECONDS:
                await self._read_again()
            while self._candidates and len(taken) < self.room():
                flow_run = self._candidates.popleft()
                if not self.holds(flow_run.id):
                    taken.append(flow_run)
            # Read with each claim, and of what is claimed alone: a new version must be seen, and each costs the server.
            wanted = {run.deployment_id for run in taken if run.deployment_id is not None}
            self._deployments = await backlog.deployments(self.client, wanted)
            if self._stopping:
                return []
            for flow_run in taken:
                self.hold(flow_run.id)
                self._in_hand[flow_run.id] = InHand(flow_run)
                self.start_run(flow_run)
        return taken

    async def _read_again(self) -> None:
        """Drop the candidates that another worker has taken: the server would let them be run twice."""
        room = self.room()
        following = [self._candidates.popleft() for _ in range(min(room, len(self._candidates)))]
        if following:
            self._candidates.extendleft(reversed(await backlog.still_due(self.client, following, self._before())))

    def _before(self) -> datetime:
        # A run must be seen before it is due, at the poll before at the latest; polls are up to 30 % late.
        ahead = max(self.prefetch_seconds, 1.5 * PREFECT_WORKER_QUERY_SECONDS.value())
        return self._clock.now() + timedelta(seconds=ahead)

    async def _read_candidates(self) -> None:
        self._lost = 0
        unseen = Counter(hand.flow_run.work_queue_id for hand in self._in_hand.values() if not hand.claimed)
        most = min(backlog.PAGE, _LOOK_AHEAD * int(self.limiter.total_tokens))
        found = await backlog.due_runs(self.client, self.pool_name, self.queue_names, self._before(), unseen, most)
        candidates = deque(run for run in backlog.spread(found.runs, self.name) if not self.holds(run.id))
        self._candidates, self._candidates_read = candidates, asyncio.get_running_loop().time()
        self._more_waiting = found.more or len(candidates) > self.room()

    # One run

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Claim, wait for, run and settle one run. It never raises, since an error would end the group of all runs."""
        hand = self._in_hand[flow_run.id]
        why: str | None = None
        try:
            deployment = await self._deployment(flow_run)
            try:
                hand.claimed = hand.stopped_for is None and await self._claim(flow_run, deployment)
                if hand.claimed and await was_run_meanwhile(self, flow_run, self._reads):
                    hand.claimed = False
            except httpx.HTTPError as error:
                self._logger.warning("No answer to the claim of flow run %s: %r", flow_run.id, error)
                hand.claimed, hand.stopped_for = False, "no answer"
            if hand.claimed:
                why = await self._work_on(hand, deployment)
        except Exception as error:
            self._logger.exception("Flow run %s", flow_run.id)
            why = f"The worker could not run it: {type(error).__name__}: {error}"
        finally:
            if hand.stopped_for == "no answer" or (hand.claimed and (why or hand.stopped_for)):
                with anyio.CancelScope(shield=True):
                    await settle(self, hand, why)
            self._in_hand.pop(flow_run.id, None)
            self.let_go(flow_run.id)
            self._room.set()

    async def _deployment(self, flow_run: FlowRun) -> DeploymentResponse | None:
        if flow_run.deployment_id is None:
            return None
        if known := self._deployments.get(flow_run.deployment_id):
            return known
        with contextlib.suppress(ObjectNotFound):
            return await self.client.read_deployment(flow_run.deployment_id)
        return None

    async def _claim(self, flow_run: FlowRun, deployment: DeploymentResponse | None) -> bool:
        if flow_run.deployment_id is not None and deployment is None:
            await propose(self, flow_run, Cancelled(message="Its deployment no longer exists."))
            return False
        won = await self.claim(flow_run)
        self._lost = 0 if won else self._lost + 1
        return won

    async def _work_on(self, hand: InHand, deployment: DeploymentResponse | None) -> str | None:
        """Run it at its time; returns what the engine could not report itself, or None."""
        flow_run = hand.flow_run
        with hand.scope:
            try:
                configuration = await self._configuration(deployment)
                result = await self._run_at_its_time(hand, configuration, deployment)
            except CodeUnusable as error:
                self.get_flow_run_logger(flow_run).error("%s", error)
                return str(error).splitlines()[0]
            except ChildDied as died:
                return f"The run did not end: {died}."
            said_state, problem = result
            if said_state is not None and StateType(said_state) in SETTLED:
                return None
            return problem or (f"The engine left the run in state {said_state}." if said_state is not None else None)
        return None

    async def _run_at_its_time(
        self, hand: InHand, configuration: WarmJobConfiguration, deployment: DeploymentResponse | None
    ) -> tuple[str | None, str | None]:
        flow_run = hand.flow_run
        if deployment is None:
            raise CodeUnusable("A run without a deployment has no code that a warm process could load.")
        if flow_run.job_variables:
            self.get_flow_run_logger(flow_run).warning(
                "The job variables of this run alone are not applied: workers of type mailroom-warm take them from the "
                "deployment or the work pool."
            )
        code = configuration.code_of(deployment)
        due = backlog.due_at(flow_run)
        if due and due > self._clock.now():
            await self._pool.prepare(code)
            await asyncio.sleep((due - self._clock.now()).total_seconds())
        said = await self._pool.run(code, flow_run, deployment)
        return said["state"], said["problem"]

    async def _configuration(self, deployment: DeploymentResponse | None) -> WarmJobConfiguration:
        """Return the configuration of pool and deployment together; its variables and blocks are read each minute."""
        now = asyncio.get_running_loop().time()
        if now - self._configurations_read > _CONFIGURATION_SECONDS:
            self._configurations.clear()
            self._configurations_read = now
        template = self.work_pool.base_job_template
        values = (deployment.job_variables if deployment else None) or {}
        key = repr((template, values))
        if key not in self._configurations:
            self._configurations[key] = await self.job_configuration.from_template_and_values(
                base_job_template=template, values=values, client=self.client
            )
        return self._configurations[key]

    # Cancellation and the end

    async def _watch_cancellation(self) -> None:
        while True:
            await asyncio.sleep(_CANCEL_POLL_SECONDS)
            ids = [id_ for id_, hand in self._in_hand.items() if hand.stopped_for != "cancel"]
            if not ids:
                continue
            try:
                found = await backlog.cancelling(self.client, ids)
            except httpx.HTTPError as error:
                self._logger.debug("Looking for cancelled runs failed. It will be tried again soon: %r", error)
                continue
            for run in found:
                if hand := self._in_hand.get(run.id):
                    hand.stopped_for = "cancel"
                    self._cancel(hand)

    def _cancel(self, hand: InHand) -> None:
        child = self._pool.child_of(hand.flow_run.id)
        if child is not None and child.has_hooks:
            child.send_signal(signal.SIGUSR1)
            hand.scope.deadline = anyio.current_time() + _HOOK_SECONDS
        else:
            hand.scope.cancel()

    async def _wind_down(self) -> None:
        """Hand back what has not begun; let the rest finish within the grace time, then end it."""
        for hand in list(self._in_hand.values()):
            if self._pool.child_of(hand.flow_run.id) is None and hand.stopped_for is None:
                hand.stopped_for = "stop"
                hand.scope.cancel()
        if self._in_hand:
            self._logger.info("Waiting up to %.0f s for %s runs.", self._grace, len(self._in_hand))
        await self._wait_for_runs(self._grace)
        for hand in list(self._in_hand.values()):
            hand.stopped_for = hand.stopped_for or "stop"
            # The engine gets the chance to say that it was ended, and to run the hooks for that.
            if not self._pool.interrupt(hand.flow_run.id, signal.SIGTERM):
                hand.scope.cancel()
        await self._wait_for_runs(3)
        for hand in list(self._in_hand.values()):
            hand.scope.cancel()
        await self._wait_for_runs(10)

    async def _wait_for_runs(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while self._in_hand:
                self._room.clear()
                await self._room.wait()

    # What a worker must have, and what does not apply

    async def run(self, flow_run: FlowRun, configuration: WarmJobConfiguration, task_status: Any = None) -> NoReturn:
        """Refuse: runs go to warm children, not to infrastructure of their own."""
        raise NotImplementedError("Workers of type mailroom-warm run scheduled flow runs of deployments.")

    async def submit(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: a flow object cannot be sent to a process that imported its own copy."""
        raise NotImplementedError(
            "Workers of type mailroom-warm run deployments. Deploy the flow, or submit it to a pool of type process."
        )
