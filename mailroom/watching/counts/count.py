"""Count what became of the scheduled occurrences of one hour. Samples are left out.

Most is counted by the database. Only the times of rendering and sending are read one by one, of `SAMPLED` occurrences
of an hour at most; their ids are random, so the first ones by id stand for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.history.course import ON_TIME_SECONDS, had_trouble
from mailroom.executions.history.progress import RenderingRecord
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.instants import seconds_between, whole_seconds_between
from mailroom.storage.tables import Attempt, Delivery, Execution, Schedule
from mailroom.watching.counts.names import HOUR, LONGEST, Counts, add, bucket

SAMPLED = 300
ENDED = tuple(state for state in ExecutionState if state.ended)
_UNCONFIRMED = (DeliveryState.FAILED, DeliveryState.REFUSED, DeliveryState.UNKNOWN)
SAMPLES = select(Schedule.id).where(Schedule.is_sample).scalar_subquery()


def counted(start: datetime, end: datetime) -> ColumnElement[bool]:
    """Return the condition of the occurrences that count, due from `start` up to `end`."""
    return and_(
        Execution.kind == ExecutionKind.SCHEDULED,
        Execution.due_at >= start,
        Execution.due_at < end,
        Execution.schedule_id.not_in(SAMPLES),
    )


async def count_hour(session: AsyncSession, hour: datetime) -> Counts:
    """Return the counts of the hour that begins then; empty where nothing was due."""
    due, found = counted(hour, hour + HOUR), Counts()
    await _occurrences(session, due, found)
    await _deliveries(session, due, found)
    await _lateness(session, due, found)
    await _stages(session, due, found)
    return found


async def _occurrences(session: AsyncSession, due: ColumnElement[bool], found: Counts) -> None:
    success = Execution.status == ExecutionState.SUCCESS
    late = case((success, whole_seconds_between(Execution.due_at, Execution.completed_at)))
    troubled = case((and_(success, had_trouble()), 1), else_=0)
    by_person = case((Execution.retry_requested_at.is_not(None), 1), else_=0)
    rows = (
        select(
            Execution.status,
            late.label("late"),
            troubled.label("troubled"),
            by_person.label("by_person"),
            seconds_between(Execution.due_at, Execution.completed_at).label("seconds"),
        )
        .where(due, Execution.status.in_(ENDED))
        .subquery()
    )
    keys = (rows.c.status, rows.c.late, rows.c.troubled, rows.c.by_person)
    for row in await session.execute(select(*keys, func.count(), func.sum(rows.c.seconds)).group_by(*keys)):
        status, seconds, was_troubled, asked, number = row[0], row[1], bool(row[2]), bool(row[3]), int(row[4])
        add(found, f"ended/{status}", number)
        match status:
            case ExecutionState.SUCCESS:
                add(found, f"late/{bucket(max(0, seconds or 0))}", number)
                add(found, "late_sum", max(0.0, row[5] or 0.0))
                if (seconds or 0) <= ON_TIME_SECONDS:
                    add(found, "on_time", number)
                if was_troubled or asked:
                    add(found, "troubled", number)
                if was_troubled and not asked:
                    add(found, "recovered", number)
            case ExecutionState.FAILED | ExecutionState.PARTIAL:
                add(found, "troubled", number)


async def _deliveries(session: AsyncSession, due: ColumnElement[bool], found: Counts) -> None:
    ended = case((Execution.status.in_(ENDED), 1), else_=0)
    rows = (
        select(
            Delivery.channel,
            Delivery.connection,
            Delivery.status,
            ended.label("ended"),
            whole_seconds_between(Execution.due_at, Delivery.delivered_at).label("whole"),
            seconds_between(Execution.due_at, Delivery.delivered_at).label("seconds"),
            case((Delivery.attempts > 1, Delivery.attempts - 1), else_=0).label("again"),
        )
        .join(Execution, Execution.id == Delivery.execution_id)
        .where(due)
        .subquery()
    )
    keys = (rows.c.channel, rows.c.connection, rows.c.status, rows.c.ended, rows.c.whole)
    totals = (func.count(), func.sum(rows.c.seconds), func.sum(rows.c.again))
    for row in await session.execute(select(*keys, *totals).group_by(*keys)):
        channel, connection, status, has_ended, whole, number = row[0], row[1], row[2], bool(row[3]), row[4], row[5]
        if row[7]:
            add(found, f"retry/{channel}", int(row[7]))
        delivered = status is DeliveryState.DELIVERED
        if delivered or has_ended:
            add(found, f"delivery/{channel}/{status}", number)
        if delivered and whole is not None:
            add(found, f"due/{channel}/{bucket(max(0, whole))}", number)
            add(found, f"due_sum/{channel}", max(0.0, row[6] or 0.0))
        if has_ended and status is not DeliveryState.SUPPRESSED:
            add(found, f"sent/{channel}/{connection}", number)
            if status in _UNCONFIRMED:
                add(found, f"failure/{channel}/{connection}", number)


async def _lateness(session: AsyncSession, due: ColumnElement[bool], found: Counts) -> None:
    last = (
        select(Delivery.channel, Execution.due_at, func.max(Delivery.delivered_at).label("at"))
        .join(Execution, Execution.id == Delivery.execution_id)
        .where(due, Execution.status.in_(ENDED), Delivery.delivered_at.is_not(None))
        .group_by(Delivery.execution_id, Delivery.channel, Execution.due_at)
        .subquery()
    )
    whole = whole_seconds_between(last.c.due_at, last.c.at).label("whole")
    total = func.sum(seconds_between(last.c.due_at, last.c.at))
    for row in await session.execute(
        select(last.c.channel, whole, func.count(), total).group_by(last.c.channel, whole)
    ):
        add(found, f"lateness/{row[0]}/{bucket(max(0, row[1]))}", row[2])
        add(found, f"lateness_sum/{row[0]}", max(0.0, row[3]))


async def _stages(session: AsyncSession, due: ColumnElement[bool], found: Counts) -> None:
    sampled = (
        select(Execution.id, Execution.rendering, Schedule.report_id)
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .where(due, Execution.status.in_(ENDED), Execution.rendering.is_not(None))
        .order_by(Execution.id)
        .limit(SAMPLED)
    )
    for _, rendering, report_id in await session.execute(sampled):
        times = stages_of(rendering)
        for stage, seconds in times.items():
            _stage(found, stage, seconds)
        if times:
            took = sum(times.values())
            add(found, f"report/{report_id}")
            add(found, f"report_sum/{report_id}", took)
            found[f"{LONGEST}/{report_id}"] = max(took, found.get(f"{LONGEST}/{report_id}", 0))
    some = select(Execution.id).where(due, Execution.status.in_(ENDED)).order_by(Execution.id).limit(SAMPLED).subquery()
    attempts = (
        select(Attempt.started_at, Attempt.ended_at)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .join(some, some.c.id == Delivery.execution_id)
        .where(Attempt.outcome == DeliveryState.DELIVERED)
    )
    for begun, ended in await session.execute(attempts):
        if ended is not None:
            _stage(found, "deliver", (ended - begun).total_seconds())


def stages_of(rendering: Mapping[str, object]) -> dict[str, float]:
    """Return the seconds of query and render of a stored rendering; empty where nothing was made, or it failed. Pure.

    The query lasts until the first file begins, the time that it waits for a renderer included. What is written while
    rows still come in, such as CSV, begins with the first of them.
    """
    try:
        record = RenderingRecord.model_validate(rendering)
    except ValidationError:
        return {}  # A later version wrote it.
    begun: Sequence[datetime] = [file.began_at for file in record.files if file.began_at]
    if record.failed or record.ended_at is None or not begun:
        return {}
    first = max(min(begun), record.began_at)
    return {
        "query": (first - record.began_at).total_seconds(),
        "render": max(0.0, (record.ended_at - first).total_seconds()),
    }


def _stage(found: Counts, stage: str, seconds: float) -> None:
    seconds = max(0.0, seconds)
    add(found, f"stage/{stage}/{bucket(seconds)}")
    add(found, f"stage_sum/{stage}", seconds)
