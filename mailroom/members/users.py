"""Make and change users and teams. Each function works in the caller's transaction.

Where a change bars a user from owning schedules, the caller also calls `mailroom.schedules.ownership.owners`.
"""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn

import orjson
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.audit import member_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.errors import Conflict, Invalid, NotFound
from mailroom.members import links, web_sessions
from mailroom.members.spec import TeamSettings, UserSettings
from mailroom.roles import Role
from mailroom.storage.database import new_id
from mailroom.storage.model.access import Team
from mailroom.storage.tables import User
from mailroom.versions import check_etag, etag_of


def user_settings(row: User) -> dict[str, Any]:
    """Return what an admin says of a user, as JSON, with the id of the team."""
    return {
        "email": row.email,
        "name": row.name,
        "role": str(row.role),
        "team": row.team_id,
        "timezone": row.timezone,
        "external_id": row.external_id,
        "is_service": row.is_service,
        "is_active": row.is_active,
        "grants": list(row.grants),
    }


def team_settings(row: Team) -> dict[str, Any]:
    """Return what an admin says of a team, as JSON."""
    return {"name": row.name, "external_id": row.external_id}


def etag(settings: dict[str, Any]) -> str:
    """Return the version of a user or a team as an ETag."""
    return etag_of(hashlib.sha256(orjson.dumps(settings, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16])


async def create_user(session: AsyncSession, wanted: UserSettings, context: Context) -> User:
    """Store a new user.

    Raises:
        Conflict: the address or the external id is in use.
        Invalid: there is no such team.
    """
    row = User(id=new_id(), created_at=context.now, updated_at=context.now)
    await _write_user(session, row, wanted, context)
    audit.record_by(session, events.UserCreated(row.id, user_settings(row)), context)
    return row


async def change_user(
    session: AsyncSession, reference: str, wanted: UserSettings, context: Context, *, if_match: str | None = None
) -> User:
    """Replace everything that an admin says of a user.

    Raises:
        NotFound, Invalid.
        Conflict: an address or external id in use, a stale `if_match`, or the user of the installation's own key would
            be no admin, or not active.
    """
    row = await access.user(session, reference, viewer=context.viewer, doing=Action.USER_CHANGE, lock=True)
    before = user_settings(row)
    check_etag(etag(before), if_match, noun="user")
    if row.email == context.settings.owner_email:
        _keep_owner(wanted, context.settings.owner_email)
    await _write_user(session, row, wanted, context)
    await _record_change(session, row, before, context)
    return row


async def disable_user(session: AsyncSession, reference: str, context: Context) -> User:
    """Keep a user from logging in; what the user has done stays on record.

    Raises:
        NotFound.
        Conflict: it is the user of the installation's own key.
    """
    row = await access.user(session, reference, viewer=context.viewer, doing=Action.USER_DISABLE, lock=True)
    before = user_settings(row)
    if row.email == context.settings.owner_email:
        _owner_stays()
    row.is_active, row.updated_at = False, context.now
    await _record_change(session, row, before, context)
    return row


async def _record_change(session: AsyncSession, row: User, before: dict[str, Any], context: Context) -> None:
    after = user_settings(row)
    if changes := {key: [before[key], after[key]] for key in after if before[key] != after[key]}:
        audit.record_by(session, events.UserChanged(row.id, changes), context)
    if not row.is_active:
        # Also so that they do not come back with a user who is enabled again.
        await web_sessions.end_of(session, row.id, "disabled", context)
        await links.void_all(session, row.id, context.now)


def _keep_owner(wanted: UserSettings, email: str) -> None:
    if wanted.email != email or wanted.role is not Role.ADMIN or not wanted.is_active:
        _owner_stays()


def _owner_stays() -> NoReturn:
    message = "The key of the installation acts for this user, who stays an active admin with this address."
    raise Conflict(message, remedy="Name another user in MAILROOM_OWNER_EMAIL first.", code="owner_stays")


async def _write_user(session: AsyncSession, row: User, wanted: UserSettings, context: Context) -> None:
    team = None
    if wanted.team is not None:
        try:
            team = await access.team(session, wanted.team, viewer=context.viewer)
        except NotFound as error:
            raise Invalid.at("team", error.message, error.remedy) from error
    row.email, row.name, row.timezone = wanted.email, wanted.name, wanted.timezone
    row.role, row.team_id, row.grants = wanted.role, team.id if team else None, [str(one) for one in wanted.grants]
    row.external_id, row.is_service, row.is_active = wanted.external_id, wanted.is_service, wanted.is_active
    row.updated_at = context.now
    session.add(row)
    await _flush(session, "user", "address or external id")


async def create_team(session: AsyncSession, wanted: TeamSettings, context: Context) -> Team:
    """Store a new team.

    Raises:
        Conflict: the external id is in use.
    """
    row = Team(id=new_id(), name=wanted.name, external_id=wanted.external_id)
    row.created_at = row.updated_at = context.now
    session.add(row)
    await _flush(session, "team", "external id")
    audit.record_by(session, events.TeamCreated(row.id, team_settings(row)), context)
    return row


async def change_team(
    session: AsyncSession, reference: str, wanted: TeamSettings, context: Context, *, if_match: str | None = None
) -> Team:
    """Replace everything that an admin says of a team.

    Raises:
        NotFound, Conflict.
    """
    row = await access.team(session, reference, viewer=context.viewer, doing=Action.TEAM_CHANGE, lock=True)
    before = team_settings(row)
    check_etag(etag(before), if_match, noun="team")
    row.name, row.external_id, row.updated_at = wanted.name, wanted.external_id, context.now
    await _flush(session, "team", "external id")
    after = team_settings(row)
    if changes := {key: [before[key], after[key]] for key in after if before[key] != after[key]}:
        audit.record_by(session, events.TeamChanged(row.id, changes), context)
    return row


async def delete_team(session: AsyncSession, reference: str, context: Context, *, if_match: str | None = None) -> None:
    """Remove a team without members, and what was shared with it.

    Raises:
        NotFound.
        Conflict: it has members, or `if_match` is stale.
    """
    row = await access.team(session, reference, viewer=context.viewer, doing=Action.TEAM_DELETE, lock=True)
    check_etag(etag(team_settings(row)), if_match, noun="team")
    if count := await access.members(session, row.id):
        message = f"The team '{row.name}' has {count} member{'s' if count > 1 else ''}."
        raise Conflict(message, remedy="Put them into another team first.")
    await access.forget_team(session, row.id)
    audit.record_by(session, events.TeamDeleted(row.id, row.name), context)
    await session.delete(row)
    await _flush(session, "team", "external id")


async def _flush(session: AsyncSession, noun: str, what: str) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        message = f"Another {noun} has this {what}, or was changed at the same time."
        raise Conflict(message, remedy=f"GET /api/v1/{noun}s lists them.", code=f"{noun}_taken") from error
