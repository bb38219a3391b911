"""Run flow runs in a forked child, one after the other, with Prefect's own engine, until the child is replaced.

    worker -> {"flow": entrypoint, "run": a flow run as JSON, "deployment": its deployment as JSON}
    child  -> {"begun": id}, then {"ended": id, "state": type or null, "problem": text or null, "retire": why or null}

It ends when the worker hangs up or after it said that it retires, and sends its last logs and events first.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import random
import resource
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from inspect import isasyncgen, iscoroutine, isgenerator
from pathlib import Path
from typing import Any, Literal, cast

from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import DeploymentResponse
from prefect.context import AsyncClientContext, SyncClientContext
from prefect.exceptions import Abort, Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow
from prefect.logging.loggers import flow_run_logger

from prefect_mailroom.worker import prefect_private
from prefect_mailroom.worker.processes.code import Recycle
from prefect_mailroom.worker.processes.wire import Wire

_DRAIN_SECONDS = 8
_MB = 1024 * 1024


def serve(wire: Wire, flows: Mapping[str, Flow[..., Any]], recycle: Recycle) -> None:
    """Run every flow run that comes over the wire."""
    _reseed()
    prefect_private.do_not_join_heartbeats()
    prefect_private.remember_result_storage()
    signal.signal(signal.SIGUSR1, _cancelled)
    start, size = time.monotonic(), resident_bytes()
    surroundings = Surroundings()
    done = 0
    try:
        with asyncio.Runner() as runner:
            engine = Engine(runner, flows.values())
            while (message := wire.receive()) is not None:
                flow_run = FlowRun.model_validate(message["run"])
                prefect_private.remember_deployment(DeploymentResponse.model_validate(message["deployment"]))
                wire.send({"begun": str(flow_run.id)})
                state, problem = engine.execute(flows[message["flow"]], flow_run)
                surroundings.restore()
                done += 1
                minutes, grown = (time.monotonic() - start) / 60, (resident_bytes() - size) / _MB
                retire = engine.broken or why_retire(recycle, runs=done, minutes=minutes, growth_mb=grown)
                kind = None if state is None else state.type.value
                wire.send({"ended": str(flow_run.id), "state": kind, "problem": problem, "retire": retire})
                if retire:
                    break
            prefect_private.drain(_DRAIN_SECONDS)
            os._exit(0)  # Not the interpreter's own way out: it would wait for every thread that a flow left.
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # The worker is gone.


def why_retire(recycle: Recycle, *, runs: int, minutes: float, growth_mb: float) -> str | None:
    """Return why a child that has just ended a run takes no more, or None."""
    if runs >= recycle.runs:
        return f"{runs} runs"
    if minutes >= recycle.minutes:
        return f"{minutes:.0f} minutes"
    if growth_mb >= recycle.growth_mb:
        return f"grown by {growth_mb:.0f} MB"
    return None


def resident_bytes() -> int:
    """Return the memory of this process in bytes; its peak where the system does not tell the present size."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return pages * os.sysconf("SC_PAGE_SIZE")


def _reseed() -> None:
    """Reseed NumPy, so that no two children draw the same numbers. Python reseeds its own `random` after a fork."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(random.SystemRandom().getrandbits(32))


def _cancelled(*_: object) -> None:
    prefect_private.intend_to_cancel()
    os.kill(os.getpid(), signal.SIGTERM)


class Surroundings:
    """The process-wide state that a run may change, as it was before the first run."""

    def __init__(self) -> None:
        self._directory = str(Path.cwd())
        self._environment = dict(os.environ)
        self._path = list(sys.path)
        self._mask = os.umask(0)
        os.umask(self._mask)

    def restore(self) -> None:
        """Put everything back. Context variables need nothing, since each run has a context of its own."""
        os.chdir(self._directory)
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        sys.path[:] = self._path
        os.umask(self._mask)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        prefect_private.forget_intent()


class Engine:
    """Prefect's engine with a client that stays open from run to run: one for async flows, one for the others."""

    def __init__(self, runner: asyncio.Runner, flows: Iterable[Flow[..., Any]]) -> None:
        """Open the clients, so that no run waits for that; raises what opening one raises, before any run is begun."""
        self._runner = runner
        self._contexts = {flow.isasync: contextvars.copy_context() for flow in flows}
        self.broken: str | None = None
        for isasync, context in self._contexts.items():
            if isasync:
                runner.run(self._open(), context=context)
            else:
                context.run(SyncClientContext().__enter__)

    async def _open(self) -> None:
        await AsyncClientContext().__aenter__()

    def execute(self, flow: Flow[..., Any], flow_run: FlowRun) -> tuple[State[Any] | None, str | None]:
        """Return the state that the run ended in, or what kept the engine from telling one."""
        # Without a deployment id the engine opens no websocket to watch for suspension. It reads the run again, so
        # the flow sees its deployment all the same.
        detached = flow_run.model_copy(update={"deployment_id": None})
        try:
            return self._run(flow, detached, self._contexts[flow.isasync].copy()), None
        except (Abort, Pause) as signalled:
            flow_run_logger(flow_run).info("The run gave its process back: %s", signalled)
            return None, None
        except Exception as error:
            return None, f"The engine raised {type(error).__name__}: {error}"
        except BaseException as error:  # SystemExit, KeyboardInterrupt, a signal: who knows what was left half done.
            self.broken = type(error).__name__
            # A signal that came while the loop was idle has left the flow's task waiting. Closing cancels it, and the
            # engine says Cancelled or Crashed and runs the hooks for it.
            self._runner.close()
            return None, f"The run was ended by {type(error).__name__}: {error}"

    def _run(self, flow: Flow[..., Any], flow_run: FlowRun, context: contextvars.Context) -> State[Any] | None:
        log = flow_run_logger(flow_run, flow)
        kind: Literal["state", "result"] = "result" if flow.isgenerator else "state"
        start: Callable[..., Any] = run_flow
        result = context.run(start, flow, flow_run=flow_run, return_type=kind, error_logger=log)
        if iscoroutine(result):  # Not asyncio's: before Python 3.12 it takes a generator for one.
            result = self._runner.run(result, context=context)
        elif isasyncgen(result):
            self._runner.run(_exhaust(cast(AsyncGenerator[Any, Any], result)), context=context)
        elif isgenerator(result):
            context.run(list, result)
        return result if isinstance(result, State) else None  # The engine tells no state of a generator.


async def _exhaust(items: AsyncGenerator[Any, Any]) -> None:
    async for _ in items:
        pass
