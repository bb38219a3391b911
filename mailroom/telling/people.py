"""Read to whom something may be told at set times, and group them by the time that it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.notifications.kinds import Route
from mailroom.notifications.wants import wants
from mailroom.roles import Role
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule, User
from mailroom.telling.periods import Period
from mailroom.telling.spec import TellingKind


@dataclass(frozen=True, slots=True)
class Person:
    """A user who may be told something."""

    id: str
    email: str
    name: str
    timezone: str
    is_operator: bool = False
    preferences: Mapping[str, Any] = field(default_factory=dict)


def of_these(zones: Collection[str]) -> ColumnElement[bool]:
    """Return the condition of the people whose zone is one of these."""
    return and_(_readers(), User.timezone.in_(list(zones)))


def _readers() -> ColumnElement[bool]:
    """Return the condition of the users who read mail: a program does not."""
    return and_(User.is_active.is_(True), User.is_service.is_(False))


async def who_may_be_told(session: AsyncSession, kind: TellingKind, *, with_schedules: bool) -> list[Person]:
    """Return the users who want mails of a kind.

    Args:
        with_schedules: leave out whoever has no schedule.
    """
    query = select(User).where(_readers()).order_by(User.id)
    if with_schedules:
        real = (Schedule.state != ScheduleState.DELETED, Schedule.is_sample.is_(False))
        query = query.where(exists().where(Schedule.user_id == User.id, *real))
    return [
        Person(row.id, row.email, row.name, row.timezone, row.role is Role.ADMIN, row.preferences)
        for row in await session.scalars(query)
        if wants(row.preferences, kind, Route.MAIL)
    ]


def by_period(people: Iterable[Person], period_of: Callable[[str], Period | None]) -> dict[Period, list[Person]]:
    """Return the people who are due by the period that theirs is: the same for all zones of one offset. Pure."""
    periods: dict[str, Period | None] = {}
    found: defaultdict[Period, list[Person]] = defaultdict(list)
    for person in people:
        if person.timezone not in periods:
            periods[person.timezone] = period_of(person.timezone)
        if (period := periods[person.timezone]) is not None:
            found[period].append(person)
    return dict(found)
