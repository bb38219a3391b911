"""Read what the digests of a period are made of: a few queries for all users together, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.executions.history.norms import RECENT
from mailroom.executions.history.progress import RenderingRecord
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.kinds import words_of
from mailroom.incidents.words.story import Story
from mailroom.notifications.kinds import INCIDENTS
from mailroom.notifications.mutes import stands
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.model.notifications import NotificationMute
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Delivery, Execution, Notification, Schedule, ScheduleKey, User
from mailroom.telling.digest.content import SLOW_AT_LEAST
from mailroom.telling.digest.facts import DigestFacts, Doubled, Notice, Rendered, Run, Warned
from mailroom.telling.people import Person, of_these
from mailroom.telling.periods import Period
from mailroom.telling.seconds import seconds_between

LONGEST_WAY = timedelta(days=7)
"""A run is delivered within this time of being due, since no schedule expires later."""
USUAL_FROM = timedelta(days=30)
"""A schedule's usual time is what its renderings of the time before took, from this long ago on."""
_CHUNK = 500
OfSchedule = TypeVar("OfSchedule", Run, Rendered, Doubled)


async def read(session: AsyncSession, period: Period, people: Sequence[Person], *, late: timedelta) -> DigestFacts:
    """Return the facts of a period of all these people."""
    ids = {person.id for person in people}
    zones = sorted({person.timezone for person in people})
    muted = await _muted(session, period, zones)

    def told(facts: Sequence[OfSchedule]) -> list[OfSchedule]:
        return [one for one in facts if one.user_id in ids and (one.user_id, one.schedule_id) not in muted]

    return DigestFacts(
        notices=[one for one in await _notices(session, period, zones) if one.user_id in ids],
        runs=told(await _runs(session, period, zones, late)),
        renderings=told(await _renderings(session, period, zones)),
        doubled=told(await _doubled(session, period, zones)),
        warned=[one for one in await _warned(session, period) if one.user_id is None or one.user_id in ids],
        operators=frozenset(person.id for person in people if person.is_operator),
    )


async def _notices(session: AsyncSession, period: Period, zones: Collection[str]) -> list[Notice]:
    """Return the notifications of minor issues that their users have not read.

    What belongs to a run that failed or to an incident was told at once, and what is about a muted schedule is stored
    as read.
    """
    query = (
        select(Notification)
        .join(User, User.id == Notification.user_id)
        .where(
            of_these(zones),
            Notification.at >= period.begin,
            Notification.at < period.end,
            Notification.severity == Severity.WARNING,
            *(Notification.execution_id.is_(None), Notification.incident_id.is_(None)),
            *(Notification.kind.not_in(list(INCIDENTS)), Notification.read_at.is_(None)),
        )
        .order_by(Notification.at.desc(), Notification.id)
    )
    return [Notice(row.user_id, row.at, row.title, row.body, row.schedule_id) for row in await session.scalars(query)]


def _delivered(zones: Collection[str], period: Period) -> list[ColumnElement[bool]]:
    """Return the conditions of the runs that were wholly delivered in the period."""
    return [
        of_these(zones),
        Schedule.is_sample.is_(False),
        Execution.kind == ExecutionKind.SCHEDULED,
        Execution.status == ExecutionState.SUCCESS,
        Execution.due_at >= period.begin - LONGEST_WAY,
        Execution.due_at < period.end,
        Execution.completed_at >= period.begin,
        Execution.completed_at < period.end,
    ]


async def _runs(session: AsyncSession, period: Period, zones: Collection[str], late: timedelta) -> list[Run]:
    """Return the runs that were late, or needed more than one try."""
    last, tries = func.max(Delivery.delivered_at), func.max(Delivery.attempts)
    later = seconds_between(session, Execution.due_at, last)
    columns = (
        Schedule.user_id,
        Schedule.id.label("schedule_id"),
        Schedule.name,
        Execution.id,
        Execution.due_at,
    )
    setbacks = Execution.render_failures + Execution.crash_count + Execution.error_count
    query = (
        select(*columns, setbacks.label("setbacks"), last.label("last"), tries.label("tries"))
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(User, User.id == Schedule.user_id)
        .join(Delivery, Delivery.execution_id == Execution.id)
        .where(*_delivered(zones, period), Delivery.delivered_at.is_not(None))
        .group_by(*columns, setbacks)
        .having(or_(tries > 1, later >= late.total_seconds(), setbacks > 0))
        .order_by(Execution.due_at.desc(), Execution.id)
    )
    return [
        Run(row.user_id, row.schedule_id, row.name, row.id, row.due_at, row.last, row.tries, row.setbacks)
        for row in await session.execute(query)
    ]


async def _renderings(session: AsyncSession, period: Period, zones: Collection[str]) -> list[Rendered]:
    """Return the runs that were long in the making, each with what its schedule's runs before took."""
    took = seconds_between(session, Execution.started_at, Execution.completed_at)
    query = (
        select(
            Schedule.user_id, Schedule.name, Execution.id, Execution.schedule_id, Execution.due_at, Execution.rendering
        )
        .join(Schedule, Schedule.id == Execution.schedule_id)
        .join(User, User.id == Schedule.user_id)
        .where(*_delivered(zones, period), Execution.rendering.is_not(None), took >= SLOW_AT_LEAST)
        .order_by(Execution.due_at.desc(), Execution.id)
    )
    long = [(row, seconds) for row in await session.execute(query) if (seconds := _seconds(row)) is not None]
    long = [(row, seconds) for row, seconds in long if seconds >= SLOW_AT_LEAST]
    before = await _before(session, sorted({row.schedule_id for row, _ in long}), period)
    return [
        Rendered(row.user_id, row.schedule_id, row.name, row.id, row.due_at, seconds, tuple(before[row.schedule_id]))
        for row, seconds in long
    ]


async def _before(session: AsyncSession, schedule_ids: Sequence[str], period: Period) -> dict[str, list[float]]:
    """Return how long the latest renderings of these schedules before a period took."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for start in range(0, len(schedule_ids), _CHUNK):
        query = select(Execution.schedule_id, Execution.rendering).where(
            Execution.schedule_id.in_(schedule_ids[start : start + _CHUNK]),
            Execution.due_at >= period.begin - USUAL_FROM,
            Execution.due_at < period.begin,
            Execution.status == ExecutionState.SUCCESS,
            Execution.rendering.is_not(None),
        )
        for row in await session.execute(query.order_by(Execution.due_at.desc())):
            seconds, known = _seconds(row), found[row.schedule_id]
            if seconds is not None and len(known) < RECENT:
                known.append(seconds)
    return found


def _seconds(row: Row[Any]) -> float | None:
    record = RenderingRecord.model_validate(row.rendering)
    return None if record.ended_at is None else (record.ended_at - record.began_at).total_seconds()


async def _doubled(session: AsyncSession, period: Period, zones: Collection[str]) -> list[Doubled]:
    """Return the schedules that another one, made in the period, may conflict with."""
    mine, other, other_key = aliased(Schedule), aliased(Schedule), aliased(ScheduleKey)
    usable = (ScheduleState.ACTIVE, ScheduleState.PAUSED)
    query = (
        select(mine.user_id, mine.id, mine.name, other.name.label("other_name"), other.user_id.label("other_user"))
        .distinct()
        .select_from(other)
        .join(other_key, other_key.schedule_id == other.id)
        .join(ScheduleKey, and_(ScheduleKey.key == other_key.key, ScheduleKey.schedule_id != other.id))
        .join(mine, mine.id == ScheduleKey.schedule_id)
        .join(User, User.id == mine.user_id)
        .where(
            of_these(zones),
            *(other.created_at >= period.begin, other.created_at < period.end, mine.created_at < other.created_at),
            *(mine.state.in_(usable), other.state.in_(usable), mine.is_sample.is_(False), other.is_sample.is_(False)),
        )
        .order_by(mine.name, mine.id)
    )
    return [
        Doubled(row.user_id, row.id, row.name, row.other_name if row.other_user == row.user_id else "")
        for row in await session.execute(query)
    ]


async def _warned(session: AsyncSession, period: Period) -> list[Warned]:
    """Return the incidents that are only warnings and were opened in the period."""
    query = select(Incident).where(
        Incident.severity == Severity.WARNING,
        Incident.opened_at >= period.begin,
        Incident.opened_at < period.end,
        Incident.merged_into.is_(None),
    )
    rows = await session.scalars(query.order_by(Incident.opened_at.desc(), Incident.id))
    return [Warned(row.owner_id, _title(row), row.opened_at, row.resolved_at is not None) for row in rows]


def _title(row: Incident) -> str:
    kind, level = IncidentKind(row.kind), Level.OWNER
    story = Story(row.id, kind, Severity.WARNING, Stage.OPENED, level, row.subject, row.opened_at, values=row.values)
    return words_of(kind).title(story)


async def _muted(session: AsyncSession, period: Period, zones: Collection[str]) -> set[tuple[str, str]]:
    """Return the pairs of user and schedule about which the user wants silence."""
    query = select(NotificationMute.user_id, NotificationMute.schedule_id)
    query = query.join(User, User.id == NotificationMute.user_id).where(of_these(zones), stands(period.end))
    return {(user_id, schedule_id) for user_id, schedule_id in await session.execute(query)}
