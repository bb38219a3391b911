"""Let a flow run that has ended run again: what the button Retry in Prefect's own pages does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry


async def find_run(client: PrefectClient, flow_run_id: str | None) -> FlowRun | None:
    """Return the flow run, or None where there is none (any more)."""
    if flow_run_id is None:
        return None
    try:
        return await client.read_flow_run(UUID(flow_run_id))
    except ObjectNotFound:
        return None


def is_waiting(run: FlowRun) -> bool:
    """Tell whether the run will begin by itself. Pure."""
    return run.state_type in (StateType.SCHEDULED, StateType.PENDING)


def may_run_again(run: FlowRun) -> bool:
    """Tell whether the run has ended or waits. A run that is about to end is left alone until it has ended. Pure."""
    return run.state is not None and (run.state.is_final() or is_waiting(run))


async def run_again(client: PrefectClient, run_id: UUID, message: str, *, now: datetime) -> None:
    """Put the run back so that a worker takes it at once."""
    await client.set_flow_run_state(run_id, AwaitingRetry(scheduled_time=now, message=message), force=True)
