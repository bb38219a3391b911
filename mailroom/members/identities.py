"""Users of the identity provider: make one at the first log-in, and follow the role and team that the provider gives.

Each function works in the caller's transaction. Where a change bars a user from owning schedules, the caller also calls
`mailroom.schedules.ownership.owners`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.oidc.claims import Told
from mailroom.access.sessions import repository as stored
from mailroom.access.viewer import SYSTEM
from mailroom.audit import login_events, member_events
from mailroom.audit import repository as audit
from mailroom.errors import Conflict, Forbidden, NotFound
from mailroom.members.users import team_settings, user_settings
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.storage.database import new_id
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.access import Team
from mailroom.storage.model.login import Identity
from mailroom.storage.tables import User

PROVIDER = "identity provider"
"""Who acts in the audit trail, where the provider does."""


def role_of(told: Told, known: User | None, settings: Settings) -> Role:
    """Return the role that somebody has by what the provider says. Pure.

    Raises:
        Forbidden: the provider gives none. The user of the installation's key stays an admin all the same.
    """
    if known is not None and known.email == settings.owner_email:
        return Role.ADMIN
    if told.role is None:
        message = "The identity provider gives you no role in Mailroom."
        raise Forbidden(message, remedy="Ask whoever manages the identity provider for one of the roles for Mailroom.")
    return told.role


def is_news(told: Told, role: Role, identity: Identity, user: User) -> bool:
    """Tell whether a token is newer than what is stored, or of the same second and gives another role. Pure."""
    return told.at > identity.told_at or (told.at == identity.told_at and role is not user.role)


async def first_log_in(session: AsyncSession, told: Told, *, now: datetime, settings: Settings) -> User:
    """Return the user that a subject is from now on: one that is there, by `oidc_link`, or a new one.

    Raises:
        Forbidden: it gets no role, or users are not made by logging in.
        Conflict: the address belongs to another user, or the token has none.
    """
    if (found := await stored.identity_and_user(session, told.issuer, told.subject)) is not None:
        return found[1]  # Another request of the same subject was faster.
    user = await _existing(session, told, settings)
    role = role_of(told, user, settings)
    if user is None:
        user = await _new(session, told, role, now, settings)
    session.add(
        Identity(
            id=new_id(),
            user_id=user.id,
            issuer=told.issuer,
            subject=told.subject,
            told_at=told.at,
            created_at=now,
        )
    )
    await session.flush()
    event = login_events.IdentityLinked(user.id, told.issuer, told.subject)
    audit.record(session, event, at=now, actor=PROVIDER)
    await _follow(session, user, told, role, now=now, settings=settings)
    return user


async def _existing(session: AsyncSession, told: Told, settings: Settings) -> User | None:
    if settings.oidc_link == "external_id":
        try:
            return await access.user(session, f"{access.EXTERNAL}{told.subject}", viewer=SYSTEM, lock=True)
        except NotFound:
            return None  # Then a new one is made, where that is allowed.
    if settings.oidc_link == "email" and told.email and told.email_verified:
        return await access.find_by_email(session, told.email)
    return None


async def _new(session: AsyncSession, told: Told, role: Role, now: datetime, settings: Settings) -> User:
    if not settings.oidc_provision:
        message = "You have no account in Mailroom, and none is made by logging in here."
        raise Forbidden(message, remedy="Ask an admin to create one.")
    if told.email is None:
        message = "The identity provider does not tell your e-mail address."
        raise Conflict(message, remedy="Let it put the address into the token; MAILROOM_OIDC_EMAIL_CLAIM names it.")
    if await access.find_by_email(session, told.email) is not None:
        message = "There is a user with your e-mail address who did not come from the identity provider."
        raise Conflict(message, remedy="Ask an admin; MAILROOM_OIDC_LINK says which users belong together.")
    row = User(id=new_id(), email=told.email, name=told.name, timezone=settings.default_timezone, role=role)
    row.external_id, row.is_service, row.grants, row.is_active = None, False, [], True
    row.created_at = row.updated_at = now
    session.add(row)
    await session.flush()
    audit.record(session, member_events.UserCreated(row.id, user_settings(row)), at=now, actor=PROVIDER)
    return row


async def follow(session: AsyncSession, told: Told, *, now: datetime, settings: Settings) -> User:
    """Give a user the role and the team that the token says, unless a newer token has been here; return the user.

    Raises:
        Forbidden: the provider gives no role any more.
    """
    found = await stored.identity_and_user(session, told.issuer, told.subject)
    assert found is not None, "subjects are never removed"
    identity = found[0]
    user = await access.user(session, found[1].id, viewer=SYSTEM, lock=True)
    if told.at >= identity.told_at:
        identity.told_at = told.at
        await _follow(session, user, told, role_of(told, user, settings), now=now, settings=settings)
    return user


async def _follow(
    session: AsyncSession, user: User, told: Told, role: Role, *, now: datetime, settings: Settings
) -> None:
    before = user_settings(user)
    user.role = role
    if settings.oidc_team_claim:
        user.team_id = (await _team(session, told.team, now, settings)) if told.team else None
    after: dict[str, Any] = user_settings(user)
    if changes := {key: [before[key], after[key]] for key in after if before[key] != after[key]}:
        user.updated_at = now
        audit.record(session, member_events.UserChanged(user.id, changes), at=now, actor=PROVIDER)


async def _team(session: AsyncSession, external_id: str, now: datetime, settings: Settings) -> str | None:
    """Return the id of the team with this external id, which is made where it is missing and users are made too."""
    reference = f"{access.EXTERNAL}{external_id}"
    try:
        return (await access.team(session, reference, viewer=SYSTEM)).id
    except NotFound:
        if not settings.oidc_provision:
            return None
    row = {"id": new_id(), "name": external_id, "external_id": external_id, "created_at": now, "updated_at": now}
    insert = insert_into(session, Team).values(**row)
    await session.execute(insert.on_conflict_do_nothing(index_elements=["external_id"]))
    team = await access.team(session, reference, viewer=SYSTEM)
    if team.id == row["id"]:
        audit.record(session, member_events.TeamCreated(team.id, team_settings(team)), at=now, actor=PROVIDER)
    return team.id
