"""Runs of the real flow in the process of the test, against a real Prefect."""

from __future__ import annotations

import contextlib
import importlib.util
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_async
from prefect.flows import Flow
from prefect.states import Pending

from mailroom.settings import CHECKOUT
from mailroom.storage.tables import Execution, Schedule


@dataclass
class FlowRuns:
    """Runs of the real flow in this process, against the real Prefect."""

    client: PrefectClient
    flow: Flow[..., Any]

    async def create(self, schedule: Schedule, execution: Execution) -> UUID:
        """Create the run of a requested execution, as it is handed over to Prefect."""
        parameters = {"schedule_id": schedule.id, "execution_id": execution.id}
        return (await self.client.create_flow_run(self.flow, parameters=parameters)).id

    async def work(self, run_id: UUID) -> FlowRun:
        """Take the run as a worker does, and go through one pass; returns the run as Prefect shows it then."""
        await self.client.set_flow_run_state(run_id, Pending(), force=True)
        run = await self.client.read_flow_run(run_id)
        with contextlib.suppress(Pause):  # The pass gave its slot back.
            await run_flow_async(self.flow, flow_run=run, parameters=run.parameters, return_type="state")
        return await self.client.read_flow_run(run_id)


def load_flow(name: str = "report_export") -> Flow[..., Any]:
    """Load a flow from the file of its name, without leaving its folder on `sys.path`."""
    spec = importlib.util.spec_from_file_location(f"{name}_of_tests", CHECKOUT / f"flows/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name)
    assert isinstance(found, Flow)
    return found
