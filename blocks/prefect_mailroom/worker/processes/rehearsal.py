"""One run of an empty flow before the fork, against answers made here, so that no child has to do a first run.

A first run imports, builds pydantic's late models and fills caches: 0.3 s of CPU, and 17 MB that each child would hold
for itself instead of sharing. Nothing leaves the process, and no thread is started: logs and events end here.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import prefect
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import AsyncClientContext
from prefect.flow_engine import run_flow
from prefect.flows import Flow
from prefect.logging import get_run_logger
from prefect.states import Pending
from prefect.tasks import task

from prefect_mailroom.worker import prefect_private


@task(cache_policy=NO_CACHE, persist_result=False)
async def _a_task() -> None:
    get_run_logger().info("A task of the rehearsal.")


async def _a_flow() -> None:
    await _a_task()


def rehearse() -> State[Any]:
    """Run it; returns the state that it ended in. Raises what the engine raises.

    An async flow, also where the children will run another: the engine starts a thread for those.
    """
    with prefect_private.nothing_leaves(), _unheard():
        return asyncio.run(_run())


async def _run() -> State[Any]:
    server = _Server()
    async with AsyncClientContext(httpx_settings={"transport": httpx.MockTransport(server.answer)}):
        flow: Flow[[], Any] = Flow(_a_flow, name="rehearsal", persist_result=False)
        run: Callable[..., Any] = run_flow  # Its type tells of flows that are not async alone.
        state = await run(flow, flow_run=server.flow_run, return_type="state")
        assert isinstance(state, State)
        return state


@contextmanager
def _unheard() -> Iterator[None]:
    """Show nothing on the terminal within the block, whatever the logging handlers hold on to."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)


class _Server:
    """Answers as Prefect's server does, as far as one run asks."""

    def __init__(self) -> None:
        self.flow_run = FlowRun(
            id=uuid4(), flow_id=uuid4(), name="rehearsal", state=Pending(), expected_start_time=datetime.now(UTC)
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Return the answer that the server would give."""
        path = request.url.path
        if path.endswith("/set_state"):
            asked = json.loads(request.content)["state"]
            state = {**asked, "id": str(uuid4()), "timestamp": datetime.now(UTC).isoformat()}
            self.flow_run.state = State.model_validate(state)
            return httpx.Response(201, json={"status": "ACCEPT", "details": {"type": "accept_details"}, "state": state})
        if path.endswith(f"/flow_runs/{self.flow_run.id}"):
            if request.method == "PATCH":
                return httpx.Response(204)
            return httpx.Response(200, json=self.flow_run.model_dump(mode="json"))
        if path.endswith("/admin/version"):
            return httpx.Response(200, json=prefect.__version__)
        if path.endswith("/csrf-token"):
            # In these words a server says that it does without.
            return httpx.Response(422, json={"detail": "CSRF protection is disabled."})
        return httpx.Response(404, json={"detail": "Not rehearsed."})
