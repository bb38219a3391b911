"""Watch for what was due and is not in the ledger: write it there, to be run or recorded by the schedule's policy.

Any number of watchdogs may look at once: the ledger's unique index decides, and rows are locked. An occurrence that is
to run is left pending; the reconciler hands it to Prefect.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleFinished
from mailroom.executions import lifecycle as execution_lifecycle
from mailroom.executions.policy import Policy
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import Reason
from mailroom.ledger import repository as ledger
from mailroom.ledger.account import Found, account
from mailroom.ledger.decide import Close, Entry, expired
from mailroom.notifications.events import DueTimesMissed
from mailroom.notifications.service import notify
from mailroom.schedules import lifecycle
from mailroom.schedules.lifecycle import Cause
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.locks import before_reading
from mailroom.storage.tables import Schedule

_LOG = logging.getLogger(__name__)
GRACE_AFTER_CHANGE = timedelta(seconds=10)
"""How long the occurrence of a schedule that was changed just before it is left to the normal path. Prefect plans anew
after a change, and loses what was due meanwhile."""
GRACE = timedelta(minutes=2)
"""How long every other occurrence is left to the normal path."""
EVERY_SECONDS = 10.0
"""How long after one look the next one begins."""
LATE_AFTER_SECONDS = 300.0
"""For how long looks may fail before the process is not ready; one after a long outage takes minutes."""
_BATCH = 200
_TOLD = 20


@dataclass(slots=True)
class Findings:
    """The occurrences that a look found: `lost` were not in the ledger and will run, `missed` are too late to run."""

    lost: int = 0
    missed: int = 0
    finished: int = 0

    def __bool__(self) -> bool:
        return bool(self.lost or self.missed or self.finished)

    def __str__(self) -> str:
        return f"{self.lost} due times had no run and will run now, {self.missed} missed, {self.finished} finished"


async def look(database: Database, *, now: datetime) -> Findings:
    """Look at everything that was due once; each batch is a transaction of its own."""
    findings = Findings()
    await _overdue(database, findings, now)
    await _expired(database, findings, now)
    await _finished(database, findings, now)
    if findings:
        _LOG.warning("Watchdog: %s.", findings)
    return findings


async def _overdue(database: Database, findings: Findings, now: datetime) -> None:
    beyond = ""
    while True:
        batch, found = await database.transact(partial(_account_for_overdue, beyond, now))
        for one in found:
            _tell(one, findings)
        if len(batch) < _BATCH:
            return
        beyond = batch[-1].id


async def _account_for_overdue(
    beyond: str, now: datetime, session: AsyncSession
) -> tuple[Sequence[Schedule], Sequence[Found]]:
    await before_reading(session)
    batch = await ledger.overdue(
        session, now=now, after_change=GRACE_AFTER_CHANGE, grace=GRACE, beyond=beyond, limit=_BATCH
    )
    found = await account(session, batch, now=now, until=now - GRACE_AFTER_CHANGE) if batch else []
    told = [
        _event(one.schedule.id, one.schedule.name, one.schedule.user_id, missed)
        for one in found
        if (missed := _missed(one))
    ]
    await notify(session, told, at=now)
    return batch, found


def _missed(found: Found) -> list[tuple[datetime, Reason]]:
    every: list[Entry | Close] = [*found.entries, *found.closes]
    missed = [(one.due_at, one.reason) for one in every if one.status is ExecutionState.MISSED and one.reason]
    return sorted(missed, key=lambda one: one[0])


def _tell(found: Found, findings: Findings) -> None:
    lost = [entry for entry in found.entries if entry.status is ExecutionState.PENDING]
    for entry in lost[: max(0, _TOLD - findings.lost)]:
        _LOG.warning("Schedule %s had no run for its due time %s.", found.schedule.id, entry.due_at.isoformat())
    findings.lost += len(lost)
    findings.missed += len(_missed(found))


def _event(schedule_id: str, name: str, user_id: str, missed: Sequence[tuple[datetime, Reason]]) -> DueTimesMissed:
    """Return what the owner is told: one notification a schedule, however many due times were missed."""
    first, (last, reason) = missed[0][0], missed[-1]
    return DueTimesMissed(user_id, schedule_id, name, len(missed), first, last, words(reason))


async def _expired(database: Database, findings: Findings, now: datetime) -> None:
    """Close occurrences that nothing began in time, such as where Prefect or the workers are away for long."""
    beyond: tuple[datetime, str] | None = None
    while True:
        batch, missed = await database.transact(partial(_close_expired, beyond, now))
        findings.missed += missed
        if len(batch) < _BATCH:
            return
        beyond = (batch[-1].due_at, batch[-1].id)


async def _close_expired(
    beyond: tuple[datetime, str] | None, now: datetime, session: AsyncSession
) -> tuple[Sequence[Row[Any]], int]:
    batch = await ledger.waiting(session, before=now - GRACE, beyond=beyond, limit=_BATCH)
    ends, told = [], []
    for row in batch:
        policy = Policy.model_validate(row.policy_config["policy"])
        if reason := expired(row.due_at, policy, now=now, held=row.held_by is not None):
            ends.append((row.id, ExecutionState.MISSED, reason))
            told.append(_event(row.schedule_id, row.name, row.user_id, [(row.due_at, reason)]))
    await notify(session, told, at=now)
    await execution_lifecycle.close_unbegun(session, ends, now=now)
    return batch, len(ends)


async def _finished(database: Database, findings: Findings, now: datetime) -> None:
    """Finish schedules with nothing left to fire whose last occurrence ended without a run that would have done so."""
    while True:
        finished = await database.transact(partial(_finish_batch, now))
        findings.finished += finished
        if finished < _BATCH:
            return


async def _finish_batch(now: datetime, session: AsyncSession) -> int:
    await before_reading(session)
    batch = await ledger.finishable(session, limit=_BATCH)
    for schedule in batch:
        lifecycle.move(schedule, ScheduleState.FINISHED, Cause.NOTHING_LEFT, now=now)
        audit.record(session, ScheduleFinished(schedule.id), at=now)
    return len(batch)
