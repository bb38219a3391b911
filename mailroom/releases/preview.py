"""Show what would leave if stops were lifted, and what has become too late meanwhile."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.lifecycle import new_execution
from mailroom.ledger.account import compare
from mailroom.passes.mishaps.patience import expires_after_of
from mailroom.passes.planned.deliveries import plan
from mailroom.passes.retry import expiry_of
from mailroom.recipients.repository import suppressed_among
from mailroom.releases import repository as releases
from mailroom.schedules.spec import stored_policy, stored_spec
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.stops.coverage import covers
from mailroom.stops.spec import StopCause
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Delivery, Execution, Schedule
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)
_BATCH = 200
MOST = 10_000
"""How many executions are looked at; of more, the answer says that it is not complete."""
FIRST = 10
"""How many schedules and recipients are named."""


@dataclass(slots=True)
class Part:
    """A number of executions, and of the deliveries that they have left, by schedule and by recipient."""

    executions: int = 0
    deliveries: int = 0
    by_schedule: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_recipient: Counter[str] = field(default_factory=Counter)

    def add(self, schedule: Schedule, recipients: Sequence[str]) -> None:
        """Count one execution."""
        self.executions += 1
        self.deliveries += len(recipients)
        self.by_schedule[schedule.id, schedule.name] += 1
        self.by_recipient.update(recipients)


@dataclass(slots=True)
class Preview:
    """Count what would go, what is too late, and how much of what would go was due before the database was restored."""

    would_go: Part = field(default_factory=Part)
    too_late: Part = field(default_factory=Part)
    due_before_restoration: Part = field(default_factory=Part)
    complete: bool = True


async def preview(session: AsyncSession, lifted: Sequence[Stop], others: Sequence[Stop], *, now: datetime) -> Preview:
    """Look at all that waits, and change nothing.

    Args:
        lifted: the stops that would be lifted.
        others: those that would still stand; what they cover does not go.
    """
    found, seen, beyond = Preview(), 0, None
    restored = max((s.stopped_at for s in lifted if s.cause == StopCause.RESTORED), default=None)
    newest: dict[str, datetime] = {}
    rows: list[tuple[Execution, Schedule, list[Delivery]]] = []
    while seen < MOST:
        page = await releases.waiting(session, lifted, now=now, beyond=beyond, limit=_BATCH)
        left = await releases.undelivered(session, [execution.id for execution, _ in page])
        for execution, schedule in page:
            deliveries = left.get(execution.id) or _planned(execution, schedule, now)
            if going := [one for one in deliveries if _goes(one, schedule, lifted, others)]:
                rows.append((execution, schedule, going))
            if _is_first(execution):
                newest[schedule.id] = execution.due_at
        seen += len(page)
        if len(page) < _BATCH:
            break
        beyond = (page[-1][0].due_at, page[-1][0].id)
    found.complete = seen < MOST
    listed = await suppressed_among(session, {one.recipient for _, _, going in rows for one in going})
    for execution, schedule, deliveries in rows:
        if not (going := [one for one in deliveries if one.recipient not in listed]):
            continue
        late = _too_late(execution, schedule, newest.get(schedule.id), now)
        _add(found, schedule, execution.due_at, going, late=late, restored=restored)
    if restored:
        await _not_in_the_ledger(session, found, others, restored, now)
    return found


def _is_first(execution: Execution) -> bool:
    return execution.status is ExecutionState.PENDING and execution.kind is ExecutionKind.SCHEDULED


def _too_late(execution: Execution, schedule: Schedule, newest: datetime | None, now: datetime) -> bool:
    """Tell whether an execution will not go any more: it has expired, or a later one takes its place."""
    policy = stored_policy(schedule)
    catches_up = policy is None or policy.catchup == "all"
    replaced = _is_first(execution) and not catches_up and newest is not None and newest > execution.due_at
    return replaced or now > expiry_of(execution, expires_after_of(schedule)).at


def _planned(execution: Execution, schedule: Schedule, now: datetime) -> list[Delivery]:
    """Return what the first pass would plan; nothing where it cannot be read, which that pass will say."""
    try:
        return plan(execution, stored_spec(schedule), now=now)
    except (ValidationError, MailroomError):
        _LOG.warning("The recipients of execution %s cannot be read.", execution.id, exc_info=True)
        return []


def _goes(delivery: Delivery, schedule: Schedule, lifted: Sequence[Stop], others: Sequence[Stop]) -> bool:
    def covered(stops: Sequence[Stop]) -> bool:
        facts = {"schedule_id": schedule.id, "report_id": schedule.report_id, "connection": delivery.connection}
        return any(covers(stop, **facts) for stop in stops)

    return covered(lifted) and not covered(others)


def _add(
    found: Preview,
    schedule: Schedule,
    due_at: datetime,
    going: Sequence[Delivery],
    *,
    late: bool,
    restored: datetime | None,
) -> None:
    recipients = [delivery.recipient for delivery in going]
    (found.too_late if late else found.would_go).add(schedule, recipients)
    if restored and due_at <= restored and not late:
        found.due_before_restoration.add(schedule, recipients)


async def _not_in_the_ledger(
    session: AsyncSession, found: Preview, others: Sequence[Stop], restored: datetime, now: datetime
) -> None:
    """Add what was due before the restoration and has not been written into the ledger since."""
    beyond = ""
    while True:
        batch = await releases.behind(session, until=now, beyond=beyond, limit=_BATCH)
        for schedule, sheet in await compare(session, batch, now=now, until=now):
            for entry in sheet.entries:
                execution = new_execution(schedule.id, ExecutionKind.SCHEDULED, entry.due_at, now=now)
                going = [one for one in _planned(execution, schedule, now) if not _goes(one, schedule, others, ())]
                if going:
                    late = entry.status is not ExecutionState.PENDING
                    _add(found, schedule, entry.due_at, going, late=late, restored=restored)
        if len(batch) < _BATCH:
            return
        beyond = batch[-1].id
