"""Report what a child cannot report: its run was cancelled, crashed, or is returned because the worker stops."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import anyio
import httpx
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import Abort, ObjectNotFound
from prefect.states import Cancelled, Crashed, Scheduled
from prefect.utilities.engine import propose_state

from prefect_mailroom.worker.backlog import due_at

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

    from prefect_mailroom.worker.prefect_private import WorkerBase
    from prefect_mailroom.worker.together import Together

# States in which a run needs nothing from its worker: it ended, comes again at a time, or waits for somebody.
SETTLED = {
    StateType.COMPLETED,
    StateType.FAILED,
    StateType.CRASHED,
    StateType.CANCELLED,
    StateType.SCHEDULED,
    StateType.PAUSED,
}
# Between tries while the server is away; None ends them.
_PAUSES = (1, 2, 4, 8, 15, 30, None)


@dataclass(eq=False)
class InHand:
    """A run that a worker holds, from just before it claims it until it is settled."""

    flow_run: FlowRun
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    claimed: bool = False
    stopped_for: Literal["cancel", "stop", "no answer"] | None = None


async def settle(worker: WorkerBase, hand: InHand, why: str | None) -> None:
    """Give the run a state that is true, whatever state it has now. `why` says what is known of its crash."""
    for pause in _PAUSES:
        try:
            await _settle_once(worker, hand, why)
            return
        except ObjectNotFound:
            return  # Deleted meanwhile.
        except httpx.HTTPError as error:
            if pause is None:
                worker.say("Flow run %s could not be given its final state: %r", hand.flow_run.id, error)
                return
            await asyncio.sleep(pause)


async def _settle_once(worker: WorkerBase, hand: InHand, why: str | None) -> None:
    run = await worker.client.read_flow_run(hand.flow_run.id)
    state = run.state
    if state is None or state.type in SETTLED:
        return
    if hand.stopped_for == "no answer":
        # It was never begun here, so only a claim of our own is taken back.
        if state.is_pending() and state.message == worker.claim_message:
            message = f"Worker {worker.name} got no answer to its claim and returned this run."
            await propose(worker, run, Scheduled(scheduled_time=due_at(hand.flow_run), message=message))
        return
    if state.is_cancelling():
        await propose(worker, run, Cancelled(message="The run was cancelled; its process was ended."))
    elif hand.stopped_for == "stop" and state.is_pending():
        message = f"Worker {worker.name} stopped before this run began and returned it."
        await propose(worker, run, Scheduled(scheduled_time=due_at(hand.flow_run), message=message))
    else:
        default = f"Worker {worker.name} stopped, and the run did not end within the grace time."
        # Prefect's own way writes an error to the log and leaves the run Running for good; this one is tried again.
        await propose(worker, run, Crashed(message=why or default))
        worker.say("Flow run %s crashed: %s", run.id, why or default)


async def was_run_meanwhile(worker: WorkerBase, flow_run: FlowRun, reads: Together) -> bool:
    """Tell whether another worker ran a run between the poll that found it and the claim that this worker won.

    The server refuses Pending for a run that is Pending or Running, but not for one that ended. A claim that comes so
    late is undone: the run gets the state back that it had.
    """
    now = await reads.read(flow_run.id)
    if now.run_count == flow_run.run_count:
        return False
    states = sorted(await worker.client.read_flow_run_states(flow_run.id), key=lambda state: state.timestamp)
    earlier = [state for state in states if state.type not in (StateType.PENDING, StateType.RUNNING)]
    worker.say("Flow run %s was run by another worker meanwhile; its state is put back.", flow_run.id)
    if earlier and now.state is not None and now.state.is_pending():
        await worker.client.set_flow_run_state(flow_run.id, earlier[-1], force=True)
    return True


async def propose(worker: WorkerBase, flow_run: FlowRun, state: State[Any]) -> None:
    """Ask the server for a state; its refusal is only noted."""
    try:
        await propose_state(worker.client, state, flow_run_id=flow_run.id)
    except Abort as refused:
        worker.say("Flow run %s could not be set to %s: %s", flow_run.id, state.name, refused)
