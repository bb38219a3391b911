"""Read who may be told of an incident."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.alerts.routes import People, Person, Team
from mailroom.notifications.repository import listeners
from mailroom.setting_groups.alerts import AlertSettings
from mailroom.storage.model import access as tables
from mailroom.storage.tables import User


async def of_incident(
    session: AsyncSession,
    owner_ids: Collection[str],
    schedule_ids: Collection[str],
    settings: AlertSettings,
    *,
    now: datetime,
) -> People:
    """Return everybody who may be told of an incident of these owners, which is about these schedules."""
    owners = (await session.scalars(select(User).where(User.id.in_(owner_ids)).order_by(User.id))).all()
    ids = sorted({owner.team_id for owner in owners if owner.team_id})
    teams = await session.scalars(select(tables.Team).where(tables.Team.id.in_(ids)).order_by(tables.Team.id))
    members = (await session.scalars(select(User).where(User.team_id.in_(ids)).order_by(User.id))).all()
    muted = await _who_muted(session, [*owners, *members], schedule_ids, now)
    return People(
        owners=tuple(person(owner, muted) for owner in owners),
        teams=tuple(
            Team(tuple(person(one, muted) for one in members if one.team_id == team.id), address_of(team, settings))
            for team in teams
        ),
        operator_mail=settings.operators,
        has_webhook=settings.has_webhook,
        admins=tuple(person(admin) for admin in await access.active_admins(session)),
    )


async def _who_muted(
    session: AsyncSession, users: Sequence[User], schedule_ids: Collection[str], now: datetime
) -> set[str]:
    """Return the ids of those who want to hear nothing of the schedule, where the incident is about a single one."""
    if len(schedule_ids) != 1:
        return set()
    asked = {user.id: set(schedule_ids) for user in users}
    return {user_id for user_id, one in (await listeners(session, asked, at=now)).items() if one.muted}


def person(user: User, muted: Collection[str] = ()) -> Person:
    """Return a user as one who may be told. Pure."""
    reads = user.is_active and not user.is_service
    return Person(user.id, user.email, can_read=reads, is_muted=user.id in muted, preferences=user.preferences)


def address_of(team: tables.Team, settings: AlertSettings) -> str:
    """Return the mail address that the settings give a team, or nothing. Pure."""
    for name in (team.id, team.external_id, team.name):
        if name and (given := settings.team_mail.get(name)):
            return given
    return ""
