"""Read what the summaries of a period are made of: a few queries for all users together, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.calendars.spec import CalendarDefinition
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.tables import Calendar, Delivery, Execution, Schedule, User
from mailroom.telling.people import Person, of_these
from mailroom.telling.periods import Period
from mailroom.telling.summary.facts import Failed, Planned, SummaryFacts
from mailroom.timing import BusinessCalendar

_BAD = (ExecutionState.FAILED, ExecutionState.PARTIAL, ExecutionState.MISSED)
_ENDED = tuple(state for state in ExecutionState if state.ended)


async def read(session: AsyncSession, period: Period, people: Sequence[Person]) -> SummaryFacts:
    """Return the facts of a period of all these people."""
    zones = sorted({person.timezone for person in people})
    return SummaryFacts(
        schedules=await _schedules(session, zones),
        runs=await _runs(session, period, zones),
        deliveries=await _deliveries(session, period, zones),
        failed=await _failed(session, period, zones),
    )


async def calendars(session: AsyncSession) -> dict[str, BusinessCalendar]:
    """Return every business calendar."""
    rows = await session.scalars(select(Calendar))
    return {row.id: CalendarDefinition.model_validate(row.definition).business() for row in rows}


def _theirs(zones: Collection[str]) -> list[ColumnElement[bool]]:
    return [of_these(zones), Schedule.state != ScheduleState.DELETED, Schedule.is_sample.is_(False)]


def _week(period: Period) -> list[ColumnElement[bool]]:
    """Return the conditions of the runs that a week is judged by: tests are not for readers."""
    in_week = (Execution.due_at >= period.begin, Execution.due_at < period.end)
    return [*in_week, Execution.kind != ExecutionKind.TEST, Execution.status.in_(_ENDED)]


async def _schedules(session: AsyncSession, zones: Collection[str]) -> dict[str, list[Planned]]:
    columns = (
        *(Schedule.user_id, Schedule.id, Schedule.name, Schedule.state),
        *(Schedule.schedule_config, Schedule.created_at),
    )
    query = select(*columns).join(User, User.id == Schedule.user_id).where(*_theirs(zones))
    found: defaultdict[str, list[Planned]] = defaultdict(list)
    for row in await session.execute(query.order_by(Schedule.id)):
        found[row.user_id].append(Planned(*row))
    return found


async def _runs(session: AsyncSession, period: Period, zones: Collection[str]) -> dict[str, dict[ExecutionState, int]]:
    query = (
        select(Execution.schedule_id, Execution.status, func.count())
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(User, User.id == Schedule.user_id)
        .where(*_theirs(zones), *_week(period))
        .group_by(Execution.schedule_id, Execution.status)
    )
    found: defaultdict[str, dict[ExecutionState, int]] = defaultdict(dict)
    for schedule_id, status, number in await session.execute(query):
        found[schedule_id][status] = number
    return found


async def _deliveries(session: AsyncSession, period: Period, zones: Collection[str]) -> dict[str, int]:
    query = (
        select(Execution.schedule_id, func.count())
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(User, User.id == Schedule.user_id)
        .join(Delivery, Delivery.execution_id == Execution.id)
        .where(*_theirs(zones), *_week(period), Delivery.status == DeliveryState.DELIVERED)
        .group_by(Execution.schedule_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def _failed(session: AsyncSession, period: Period, zones: Collection[str]) -> dict[str, list[Failed]]:
    columns = (Schedule.user_id, Schedule.name, Execution.id, Execution.due_at, Execution.status, Execution.reason)
    query = (
        select(*columns)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(User, User.id == Schedule.user_id)
        .where(*_theirs(zones), *_week(period), Execution.status.in_(_BAD))
        .order_by(Execution.due_at.desc(), Execution.id)
    )
    found: defaultdict[str, list[Failed]] = defaultdict(list)
    for row in await session.execute(query):
        found[row.user_id].append(Failed(*row))
    return found
