"""Every private part of Prefect 3.8 that the worker uses, each behind a name of ours and with a guard test.

tests/integration/worker/test_prefect_private.py fails when one of them is gone or behaves differently.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC
from importlib.metadata import distributions, entry_points
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import prefect.client.orchestration
import prefect.events.related
import prefect.flow_engine
import prefect.main
import prefect.results
from prefect._internal import control_listener
from prefect.client.schemas.objects import Integration, WorkerMetadata
from prefect.deployments.steps.core import StepExecutionError, run_steps
from prefect.events.clients import PrefectEventsClient
from prefect.events.worker import EventsWorker
from prefect.exceptions import Abort, Pause
from prefect.flows import Flow
from prefect.logging.handlers import APILogWorker
from prefect.settings import get_current_settings
from prefect.states import Pending
from prefect.types._datetime import DateTime, now
from prefect.utilities.engine import propose_state
from prefect.workers.base import BaseJobConfiguration, BaseWorker

from prefect_mailroom.worker.claim_words import claim_of
from prefect_mailroom.worker.server_clock import ServerClock

if TYPE_CHECKING:
    import httpx
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse


def load_flow(entrypoint: str) -> Flow[..., Any]:
    """Load a flow as a process of Prefect's own workers does; a function without `@flow` becomes one."""
    return prefect.flow_engine._load_flow_from_runtime_entrypoint(entrypoint)


async def pull(steps: list[dict[str, Any]], say: Any) -> str | None:
    """Carry out pull steps in the current directory; returns the directory that they ask for, if any."""
    try:
        output = await run_steps(steps, print_function=say)
    except StepExecutionError as error:
        raise (error.__cause__ or error) from None
    found = output.get("directory")
    return None if found is None else str(found)


def do_not_join_heartbeats() -> None:
    """Let a sync flow end without waiting, up to a second, for its heartbeat thread, which ends by itself as soon."""
    stock = prefect.flow_engine._send_heartbeats
    setattr(prefect.flow_engine, "_send_heartbeats", lambda engine, **_: stock(engine, join_on_exit=False))  # noqa: B010


def remember_result_storage(seconds: float = 60) -> None:
    """Ask the server once a minute, not once or twice a run, where results go by default.

    Prefect makes a client for each question, and its TLS context alone is a third of the CPU of a short run.
    """
    stock = prefect.results._read_server_default_result_storage_block_id
    known: list[tuple[float, UUID | None]] = []

    def read() -> UUID | None:
        if not known or time.monotonic() - known[-1][0] > seconds:
            known[:] = [(time.monotonic(), stock())]
        return known[-1][1]

    setattr(prefect.results, "_read_server_default_result_storage_block_id", read)  # noqa: B010  Not public to mypy.


class _Sink:
    """Takes the place of the services that send logs and events, each from a thread."""

    client_type = PrefectEventsClient

    def send(self, *items: Any) -> None:
        """Drop the items."""


@contextmanager
def nothing_leaves() -> Iterator[None]:
    """Send no log, event or heartbeat, read no setting of the server and start no thread within the block."""
    sink = _Sink()
    stand_ins: list[tuple[Any, str, Any]] = [
        (APILogWorker, "instance", lambda *_, **__: sink),
        (EventsWorker, "instance", lambda *_, **__: sink),
        (prefect.flow_engine, "_send_heartbeats", lambda *_, **__: nullcontext()),
        (prefect.results, "_read_server_default_result_storage_block_id", lambda: None),
    ]
    with ExitStack() as back:
        for owner, name, stand_in in stand_ins:
            back.callback(setattr, owner, name, vars(owner)[name])
            setattr(owner, name, stand_in)
        yield


def remember_deployment(deployment: DeploymentResponse) -> None:
    """Keep the deployment for the events of its runs, which would otherwise ask the server for it."""
    found: prefect.events.related.ResourceCacheEntry = {"kind": "deployment", "object": deployment}
    prefect.events.related.RESOURCE_CACHE[f"deployment.{deployment.id}"] = (found, DateTime.now(UTC))


def intend_to_cancel() -> None:
    """Have the engine take the next SIGTERM as a cancellation: it runs the hooks and reports Cancelled, not Crashed."""
    control_listener._set_intent("cancel")


def forget_intent() -> None:
    """Clear what a run left in the engine's module state, so that it does not reach the next run."""
    control_listener.clear_intent()
    control_listener._engine_outcome_handled = False


def drain(seconds: float) -> None:
    """Send the logs and events that are still queued; gives up after so many seconds for each."""
    EventsWorker.drain_all(timeout=seconds, at_exit=False)
    APILogWorker.drain_all(timeout=seconds, at_exit=False)


def settings_as_environment() -> dict[str, str]:
    """Return the settings in force, a profile's included, for a process that starts afresh."""
    return get_current_settings().to_environment_variables(exclude_unset=True)


class WorkerBase(BaseWorker[Any, Any, Any], abc.ABC):
    """Prefect's worker, with public names for its parts that a worker needs which claims and runs in its own way."""

    def lay_claims(self, total: int) -> None:
        """Set how many runs this worker may hold, claimed or running. Call it after `setup`."""
        self._limiter = anyio.CapacityLimiter(total)

    def room(self) -> int:
        """Return how many more runs this worker may claim."""
        return int(self.limiter.total_tokens - self.limiter.borrowed_tokens)

    def hold(self, flow_run_id: UUID) -> None:
        """Count a run against the claims, and keep later polls off it."""
        self.limiter.acquire_on_behalf_of_nowait(flow_run_id)
        self._submitting_flow_run_ids.add(flow_run_id)

    def let_go(self, flow_run_id: UUID) -> None:
        """Stop counting a run, the opposite of `hold`."""
        self._release_limit_slot(flow_run_id)
        self._submitting_flow_run_ids.discard(flow_run_id)

    def holds(self, flow_run_id: UUID) -> bool:
        """Tell whether a run is in hand."""
        return flow_run_id in self._submitting_flow_run_ids

    def start_run(self, flow_run: FlowRun) -> None:
        """Begin `_submit_run` in the worker's group of runs."""
        assert self._runs_task_group is not None
        self._runs_task_group.start_soon(self._submit_run, flow_run)

    def server_clock(self) -> ServerClock:
        """Return a clock that hears the time of each answer of the server from now on. Call it once, after `setup`."""
        clock = ServerClock()

        async def hear(answer: httpx.Response) -> None:
            clock.heard(answer.headers.get("date", ""))

        self.client._client.event_hooks["response"].append(hear)
        return clock

    @property
    def claim_message(self) -> str:
        """Return the message of a Pending that this worker set."""
        return claim_of(self.name)

    async def claim(self, flow_run: FlowRun) -> bool:
        """Set the run Pending; False when another worker has it. The server lets one worker through.

        Prefect's own way takes an answer that never came for a refusal. Here it raises `httpx.HTTPError`: the server
        may have counted the claim.
        """
        try:
            state = await propose_state(self.client, Pending(message=self.claim_message), flow_run_id=flow_run.id)
        except (Abort, Pause) as refused:
            self._logger.info("Flow run %s is not claimed: %s", flow_run.id, refused)
            return False
        return state.is_pending()

    def say(self, text: str, *values: object) -> None:
        """Write a warning to the worker's log."""
        self._logger.warning(text, *values)

    def polled(self) -> bool:
        """Note a poll for the health check; False before the worker has met its work pool."""
        self._last_polled_time = now("UTC")
        return self._has_successfully_synced

    @property
    def prefetch_seconds(self) -> float:
        """Return how far ahead runs are looked for."""
        return self._prefetch_seconds

    @property
    def pool_name(self) -> str:
        """Return the work pool."""
        return self._work_pool_name

    @property
    def queue_names(self) -> frozenset[str]:
        """Return the queues asked for; empty means all of the pool."""
        return frozenset(self._work_queues)

    @property
    def run_limit(self) -> int | None:
        """Return the value of `--limit`, if any."""
        return self._limit

    async def _worker_metadata(self) -> WorkerMetadata | None:
        """List the installed collections without importing them, which takes Prefect 35 MB that are of no use here."""
        named = {point.name for point in entry_points(group="prefect.collections")}
        found = [
            Integration(name=distribution.metadata["Name"], version=distribution.version)
            for distribution in distributions()
            if distribution.metadata["Name"].replace("-", "_") in named
        ]
        return WorkerMetadata(integrations=found) if found else None

    async def _setup_cancellation_observer(self) -> None:
        """Set up no observer: Prefect's knows only runs that have not started, and lags when many runs end."""


__all__ = [
    "BaseJobConfiguration",
    "WorkerBase",
    "do_not_join_heartbeats",
    "drain",
    "forget_intent",
    "intend_to_cancel",
    "load_flow",
    "nothing_leaves",
    "pull",
    "remember_deployment",
    "remember_result_storage",
    "settings_as_environment",
]
