"""Read a flow run from Prefect's context, say its end in Prefect's states, and give its slot back while it waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.context import FlowRunContext
from prefect.exceptions import Pause
from prefect.states import AwaitingRetry, Cancelled, Completed, Failed

from mailroom.executions.reason_words import words
from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.mishaps.stubborn import stubbornly
from mailroom.passes.outcome import Outcome
from mailroom.states import ExecutionState
from mailroom.storage.hosts.clock import local_time


def this_run() -> FlowRun:
    """Return the flow run that runs here.

    Raises:
        RuntimeError: none does.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("This can only run as a Prefect flow.")
    return context.flow_run


def facts_of(run: FlowRun) -> FlowRunFacts:
    """Return what decides about the occurrence that a run was made for."""
    return FlowRunFacts(str(run.id), run.expected_start_time or local_time(), run.auto_scheduled)


def state_for(result: Outcome) -> State[Any]:
    """Return the state that Prefect shows for an outcome."""
    message = words(result.reason)
    match result.state:
        case ExecutionState.SUCCESS:
            return Completed(message=message)
        case ExecutionState.SKIPPED:
            return Completed(name="Skipped", message=message)
        case ExecutionState.CANCELLED:
            return Cancelled(message=message)
        case ExecutionState.MISSED | ExecutionState.PARTIAL:
            return Failed(name=str(result.state).capitalize(), message=message)
        case _:
            return Failed(message=message)


async def give_the_slot_back(flow_run_id: str, reason: str, until: datetime) -> NoReturn:
    """Put the run back to SCHEDULED, and leave as a suspended run leaves.

    Returning the state would do for an engine that asks for states; Prefect's process worker asks for a result, and
    reports a run without one as crashed. `Pause` is Prefect's signal for "the state is set, exit for resubmission".
    """
    waiting: State[Any] = AwaitingRetry(message=reason, scheduled_time=until)
    async with get_client() as client:
        answer = await stubbornly(lambda: client.set_flow_run_state(UUID(flow_run_id), waiting))
    if answer.status is not SetStateStatus.ACCEPT or answer.state is None:
        raise RuntimeError(f"Prefect did not reschedule the run: {answer.details}.")
    raise Pause(state=answer.state)
