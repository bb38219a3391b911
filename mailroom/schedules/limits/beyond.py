"""Count what of the whole installation is beyond its limits, since one was lowered: user by user, in four queries.

The time between runs is left out: it takes a look at each timing, see `above` for the schedules of one user.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, func, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.limits.decide import limits_for
from mailroom.limits.repository import NOT_COUNTED
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.storage.model.recipients import ScheduleRecipient
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.tables import Schedule, User

_KINDS = (
    (User.is_service, User(role=Role.CREATOR, is_service=True)),
    (and_(User.role == Role.ADMIN, not_(User.is_service)), User(role=Role.ADMIN, is_service=False)),
    (and_(User.role != Role.ADMIN, not_(User.is_service)), User(role=Role.CREATOR, is_service=False)),
)
"""The kinds of users that have limits of their own, as a condition and as an example."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """A user who has more than a limit allows.

    Attributes:
        limit: its name, such as `schedules`.
        count: how many schedules of the user are beyond it, or for `recipient_domains` addresses. Of `schedules`, how
            many the user has.
    """

    limit: str
    email: str
    role: Role
    is_service: bool
    count: int


async def beyond(session: AsyncSession, settings: Settings) -> list[Beyond]:
    """Return who has more than a limit allows, of each limit those with the most first."""
    found = []
    for name, query in _queries(settings).items():
        rows = await session.execute(query)
        found += [Beyond(name, row.email, row.role, row.is_service, row.used) for row in rows]
    return found


def _queries(settings: Settings) -> dict[str, Select[tuple[str, Role, bool, int]]]:
    schedules, mail, whole = (_limit(settings, name) for name in ("schedules", "recipients", "schedule_recipients"))
    of_schedule = (
        select(ScheduleDestination.schedule_id, func.sum(ScheduleDestination.recipients).label("recipients"))
        .group_by(ScheduleDestination.schedule_id)
        .subquery()
    )
    counted = func.count(Schedule.id.distinct())
    used = {
        "schedules": _of(counted).having(counted > schedules),
        "recipients": _of(counted)
        .join(ScheduleDestination, ScheduleDestination.schedule_id == Schedule.id)
        .where(ScheduleDestination.recipients > mail),
        "schedule_recipients": _of(counted)
        .join(of_schedule, of_schedule.c.schedule_id == Schedule.id)
        .where(of_schedule.c.recipients > whole),
    }
    elsewhere = _elsewhere(settings)
    if elsewhere is not None:
        addresses = func.count(ScheduleRecipient.address.distinct())
        among = _of(addresses).join(ScheduleRecipient, ScheduleRecipient.schedule_id == Schedule.id)
        used["recipient_domains"] = among.where(elsewhere)
    return used


def _of(counted: ColumnElement[int]) -> Select[tuple[str, Role, bool, int]]:
    used = counted.label("used")
    query = select(User.email, User.role, User.is_service, used).join(Schedule, Schedule.user_id == User.id)
    return query.where(Schedule.state.not_in(NOT_COUNTED)).group_by(User.id).order_by(used.desc(), User.email)


def _limit(settings: Settings, name: str) -> ColumnElement[int]:
    return case(*((where, literal(getattr(limits_for(user, settings), name), BigInteger)) for where, user in _KINDS))


def _elsewhere(settings: Settings) -> ColumnElement[bool] | None:
    """Return what is true of a recipient to whom mails of the schedule's owner may not go; None where all may."""
    cases = [
        and_(where, not_(or_(*map(_ends, domains))))
        for where, user in _KINDS
        if (domains := limits_for(user, settings).domains)
    ]
    return or_(*cases) if cases else None


def _ends(domain: str) -> ColumnElement[bool]:
    ending = domain[1:] if domain.startswith("*.") else f"@{domain}"
    return ScheduleRecipient.address.endswith(ending, autoescape=True)
