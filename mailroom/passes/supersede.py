"""Supersede: `overlap: cancel_other` ends an earlier execution, so that a later one of its schedule goes on.

The ledger ends it first, in the transaction that lets the later one go on: from then on nothing of it leaves, whatever
its process does. Only then Prefect is told, so that the worker ends the process; if that fails, work is wasted, no
more.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import delivery_lifecycle, lifecycle
from mailroom.executions import repository as executions
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import ReasonCode, because
from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution, Schedule

_LOG = logging.getLogger(__name__)
_BROKEN_OFF = (
    "The execution was cancelled during this attempt. The receiver may have got the delivery. It is not tried again."
)


@dataclass(frozen=True, slots=True)
class Superseded:
    """The flow run of an execution that was ended for another; `alive` says that a process works on it."""

    flow_run_id: str
    reason: str
    alive: bool


async def supersede(
    session: AsyncSession, execution_id: str, *, by: Execution, schedule: Schedule, now: datetime
) -> Superseded | None:
    """End an execution because `by`, of the same schedule, takes its place. None where there is no flow run to stop.

    What was delivered stays delivered, an attempt under way becomes unknown, and the rest is suppressed.
    """
    execution = await executions.get(session, execution_id, lock=True)
    if execution.status.ended:
        return None
    reason = because(ReasonCode.SUPERSEDED, execution=by.id, due_at=by.due_at)
    alive = execution.status is ExecutionState.RUNNING and (execution.lease_until or now) > now
    await delivery_lifecycle.suppress_rest(session, execution.id, reason)
    await delivery_lifecycle.abandon_attempts(session, execution.id, now=now, message=_BROKEN_OFF)
    lifecycle.cancel(execution, reason, schedule=schedule, now=now, superseded_by=by.id)
    return Superseded(execution.flow_run_id, words(reason), alive) if execution.flow_run_id else None


async def stop_flow_run(client: PrefectClient, superseded: Superseded) -> None:
    """Have the worker end the process, or cancel what nobody works on.

    A run that cannot be reached is left alone: the claim and the attempts ask the ledger, which has ended it.
    """
    state: State[Any] = Cancelled(message=superseded.reason)
    if superseded.alive:
        state = Cancelling(message=superseded.reason)
    try:
        await client.set_flow_run_state(UUID(superseded.flow_run_id), state, force=not superseded.alive)
    except ObjectNotFound:
        _LOG.info("Run %s, whose execution was superseded, is not in Prefect any more.", superseded.flow_run_id)
    except (PrefectHTTPStatusError, httpx.HTTPError):
        _LOG.warning("Run %s could not be cancelled; it sends nothing.", superseded.flow_run_id, exc_info=True)
