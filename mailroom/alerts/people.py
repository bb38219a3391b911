"""Read who may be told of an incident."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.alerts.routes import People, Person, Team
from mailroom.setting_groups.alerts import AlertSettings
from mailroom.storage.model import access as tables
from mailroom.storage.tables import User


async def of_incident(session: AsyncSession, owner_ids: Collection[str], settings: AlertSettings) -> People:
    """Return everybody who may be told of an incident of these owners."""
    owners = (await session.scalars(select(User).where(User.id.in_(owner_ids)).order_by(User.id))).all()
    return People(
        owners=tuple(map(person, owners)),
        teams=await _teams(session, owners, settings),
        operator_mail=settings.operators,
        has_webhook=settings.has_webhook,
        admins=tuple(map(person, await access.active_admins(session))),
    )


async def _teams(session: AsyncSession, owners: Sequence[User], settings: AlertSettings) -> tuple[Team, ...]:
    ids = sorted({owner.team_id for owner in owners if owner.team_id})
    if not ids:
        return ()
    teams = (await session.scalars(select(tables.Team).where(tables.Team.id.in_(ids)).order_by(tables.Team.id))).all()
    members = (await session.scalars(select(User).where(User.team_id.in_(ids)).order_by(User.id))).all()
    return tuple(
        Team(tuple(person(one) for one in members if one.team_id == team.id), _address(team, settings))
        for team in teams
    )


def person(user: User) -> Person:
    """Return a user as one who may be told. Pure."""
    return Person(user.id, user.email, can_read=user.is_active and not user.is_service, preferences=user.preferences)


def _address(team: tables.Team, settings: AlertSettings) -> str:
    """Return the first of the addresses that the settings give a team; they write them as a list."""
    for name in (team.id, team.external_id, team.name):
        if name and (given := settings.team_mail.get(name)):
            return given.split()[0]
    return ""
