"""Ask the ledger for the finders which schedules to look at, and how the latest of their runs ended.

A look is bounded: it takes at most `MOST` schedules, first those with an open incident, then the latest. So whatever is
open is looked at each time, and what does not fit opens when there is room. Sample schedules are left out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.history.last_result import Attention
from mailroom.executions.reason_words import sentence
from mailroom.executions.reasons import reason_of
from mailroom.incidents.spec import IncidentKind
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Delivery, Execution, Schedule

MOST = 2000
LONGEST_ERROR = 300
LIVES = (ScheduleState.ACTIVE, ScheduleState.FINISHED, ScheduleState.SUSPENDED)
"""The states in which a failure of a schedule counts: nobody has paused or deleted it since."""


def open_subjects(kind: IncidentKind) -> Select[tuple[str]]:
    """Return the subjects of the open incidents of a kind."""
    return select(Incident.subject).where(Incident.kind == kind, Incident.resolved_at.is_(None))


async def open_values(session: AsyncSession, kind: IncidentKind) -> dict[str, dict[str, Any]]:
    """Return the values of the open incidents of a kind, by subject."""
    query = select(Incident.subject, Incident.values).where(Incident.kind == kind, Incident.resolved_at.is_(None))
    return {row.subject: row.values for row in await session.execute(query)}


async def to_look_at(session: AsyncSession, kind: IncidentKind, last: Collection[ExecutionState]) -> list[str]:
    """Return the ids of at most `MOST` schedules: those with an open incident, then those whose last run ended so.

    The ids go into the next query as values. With this query inside of that one, SQLite reads every schedule, or every
    pair of a schedule and an execution: 1.7 s for 10,000 schedules in place of 10 ms.
    """
    lives = Schedule.state.in_(LIVES), Schedule.is_sample.is_(False)
    subjects = list(await session.scalars(open_subjects(kind)))
    opened = select(Schedule.id).where(Schedule.id.in_(subjects), *lives)
    failing = select(Schedule.id).where(Schedule.attention == Attention.FAILING, Schedule.last_status.in_(last), *lives)
    latest_first = failing.order_by(Schedule.last_due_at.desc(), Schedule.id).limit(MOST)
    return list(dict.fromkeys([*await session.scalars(opened), *await session.scalars(latest_first)]))[:MOST]


def first_open(kind: IncidentKind) -> ColumnElement[bool]:
    """Return what is sorted by, descending, so that schedules with an open incident come first."""
    return Schedule.id.in_(open_subjects(kind))


def latest(states: Collection[ExecutionState]) -> ScalarSelect[str]:
    """Return the id of a schedule's latest execution in one of these states, by due time; tests are left out."""
    query = select(Execution.id).where(
        Execution.schedule_id == Schedule.id, Execution.kind != ExecutionKind.TEST, Execution.status.in_(states)
    )
    query = query.order_by(Execution.due_at.desc(), Execution.id.desc()).limit(1)
    return query.correlate(Schedule).scalar_subquery()


def an_error() -> ScalarSelect[str | None]:
    """Return what one of an execution's undelivered deliveries says was wrong."""
    query = select(Delivery.error_message).where(
        Delivery.execution_id == Execution.id,
        Delivery.status != DeliveryState.DELIVERED,
        Delivery.error_message.is_not(None),
    )
    return query.order_by(Delivery.position, Delivery.id).limit(1).correlate(Execution).scalar_subquery()


def why(execution: Execution) -> str:
    """Return the reason of an execution, without recipients where its values can be read."""
    try:
        return sentence(reason_of(execution))
    except (KeyError, ValueError, TypeError):
        # One row that another version wrote must not keep the others from being found.
        return execution.reason
