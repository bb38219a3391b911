"""Recover from an error of our own: a pass that it ended goes back to be tried again, and never is an outcome.

The error gets an id in the log and is counted on the execution. Only when the execution has expired, it fails.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Unavailable
from mailroom.executions import repository as executions
from mailroom.executions.fence import hold_for
from mailroom.executions.reasons import ReasonCode, because
from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.conclude import conclude
from mailroom.passes.mishaps.patience import LONGEST_EXPIRY, delay_after, expires_after_of, retry_after_error
from mailroom.passes.outcome import Outcome
from mailroom.schedules import repository as stored
from mailroom.states import ExecutionState
from mailroom.storage.database import Database, new_id

_LOG = logging.getLogger(__name__)


async def after_error(
    database: Database,
    execution_id: str,
    pass_number: int,
    expires_after: timedelta,
    error: Exception,
    *,
    now: datetime,
) -> Outcome:
    """Log and count an error that ended a pass; return the outcome that the pass settles with.

    Raises:
        PassLost: another pass has begun since.
    """
    error_id = _logged(f"A pass over execution {execution_id}", error)

    async def count(session: AsyncSession) -> datetime | None:
        row = await hold_for(session, execution_id, pass_number)
        row.error_count += 1
        row.error_id = error_id
        return retry_after_error(row, errors=row.error_count, expires_after=expires_after, now=now)

    try:
        retry_at = await database.transact_patiently(count, f"Counting error {error_id}")
    except (Unavailable, SQLAlchemyError, OSError):
        _LOG.exception("Error %s could not be counted.", error_id)
        return uncounted(error_id, now=now)
    if retry_at:
        return Outcome(ExecutionState.RETRYING, because(ReasonCode.OWN_ERROR_RETRY, error_id=error_id), retry_at)
    return Outcome(ExecutionState.FAILED, because(ReasonCode.OWN_ERROR, error_id=error_id))


def uncounted(error_id: str, *, now: datetime) -> Outcome:
    """Return the outcome where the ledger cannot be written at all: the run comes back after its lease has ended."""
    reason = because(ReasonCode.OWN_ERROR_RETRY, error_id=error_id)
    return Outcome(ExecutionState.RETRYING, reason, now + delay_after(2))


async def before_begin(
    database: Database, run: FlowRunFacts, execution_id: str | None, error: Exception, *, now: datetime
) -> Outcome:
    """Log and count an error that kept a pass from beginning; return when the run comes back, or how it has ended.

    Raises:
        Exception: the error itself, where nothing is known of an execution and the longest time is over.
    """
    error_id = _logged(f"The claim of flow run {run.id}", error)

    async def count(session: AsyncSession) -> Outcome | None:
        known = execution_id or await executions.id_of_flow_run(session, run.id)
        if known is None:
            return None
        seen = await executions.get(session, known)
        schedule = await stored.find(session, seen.schedule_id, lock=True)  # First, as the claim does.
        row = await executions.get(session, known, lock=True)
        if row.status.ended and row.retry_requested_at is None:
            return Outcome(row.status, because(ReasonCode.OWN_ERROR, error_id=error_id))
        row.error_count += 1
        row.error_id = error_id
        limit = expires_after_of(schedule)
        retry_at = retry_after_error(row, errors=row.error_count, expires_after=limit, now=now)
        if retry_at:
            return Outcome(row.status, because(ReasonCode.OWN_ERROR_RETRY, error_id=error_id), retry_at)
        failed = Outcome(ExecutionState.FAILED, because(ReasonCode.OWN_ERROR, error_id=error_id))
        return await conclude(session, row.id, failed, pass_number=row.pass_count, now=now)

    try:
        outcome = await database.transact_patiently(count, f"Counting error {error_id}")
    except (Unavailable, SQLAlchemyError, OSError):
        _LOG.exception("Error %s could not be counted.", error_id)
        outcome = None
    if outcome is None and now > run.expected_at + LONGEST_EXPIRY:
        raise error
    return outcome or uncounted(error_id, now=now)


def _logged(what: str, error: Exception) -> str:
    error_id = new_id()
    _LOG.error("%s ended with an error of our own (error %s).", what, error_id, exc_info=error)
    return error_id
