"""Users, teams and keys in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, delete, false, func, lambda_stmt, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer, team_subject
from mailroom.errors import NotFound
from mailroom.roles import Role
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.access import ApiKey, ConnectionGrant, ScheduleShare, Team
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import User

Row = TypeVar("Row", User, Team, ApiKey)
EXTERNAL = "ext:"
"""A reference that begins so names a user or a team by the id that another product has given it."""
ME = "me"
"""The reference by which a viewer names the user that the viewer is."""


async def insert_if_absent(session: AsyncSession, values: dict[str, Any]) -> None:
    """Insert a user unless the address is taken already."""
    await session.execute(insert_into(session, User).values(**values).on_conflict_do_nothing(index_elements=["email"]))


async def find(session: AsyncSession, user_id: str) -> User | None:
    """Return the user, or None."""
    return await session.get(User, user_id)


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """Return the user with this address, or None."""
    return (await session.scalars(select(User).where(User.email == email))).one_or_none()


async def active_admins(session: AsyncSession) -> Sequence[User]:
    """Return the admins who can log in."""
    return (await session.scalars(select(User).where(User.role == Role.ADMIN, User.is_active))).all()


def users_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the users that the viewer may see: all, own team, or only the viewer."""
    if viewer.sees_all:
        return true()
    if viewer.team and viewer.may(Action.USER_READ, Relation.SAME_TEAM):
        return or_(User.id == viewer.user_id, User.team_id == viewer.team)
    return User.id == viewer.user_id


def teams_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the teams that the viewer may see: all, or the viewer's own."""
    if viewer.sees_all:
        return true()
    return Team.id == viewer.team if viewer.team else false()


def keys_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the keys that the viewer may see: all, or the viewer's own."""
    return true() if viewer.sees_all else ApiKey.user_id == viewer.user_id


def _named(table: type[User | Team], reference: str) -> ColumnElement[bool]:
    if reference.startswith(EXTERNAL):
        return table.external_id == reference.removeprefix(EXTERNAL)
    return table.id == reference


async def _one(session: AsyncSession, query: Select[tuple[Row]], what: str, listed_at: str, *, lock: bool) -> Row:
    """Return the only row of a look-up, locked where that is asked for.

    Raises:
        NotFound: there is none.
    """
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        remedy = f"GET /api/v1/{listed_at} lists them."
        raise NotFound(f"There is no {what}.", remedy=remedy, code=f"no_{listed_at.removesuffix('s')}")
    return found


async def user(
    session: AsyncSession, reference: str, *, viewer: Viewer, doing: Action = Action.USER_READ, lock: bool = False
) -> User:
    """Return the user with this id, or `ext:` and external id, or `me`.

    Raises:
        NotFound: there is none, for this viewer.
        Forbidden: the viewer may see the user and not do this.
    """
    reference = viewer.user_id if reference == ME else reference
    query = select(User).where(_named(User, reference), users_visible_to(viewer))
    found = await _one(session, query, f"user {reference[:80]}", "users", lock=lock)
    viewer.require(doing, Relation.OWN if found.id == viewer.user_id else Relation.SAME_TEAM)
    return found


async def team(
    session: AsyncSession, reference: str, *, viewer: Viewer, doing: Action = Action.TEAM_READ, lock: bool = False
) -> Team:
    """Return the team with this id, or `ext:` and external id.

    Raises:
        NotFound: there is none, for this viewer.
        Forbidden: the viewer may see the team and not do this.
    """
    query = select(Team).where(_named(Team, reference), teams_visible_to(viewer))
    found = await _one(session, query, f"team {reference[:80]}", "teams", lock=lock)
    viewer.require(doing, Relation.OWN)
    return found


async def users_page(
    session: AsyncSession,
    *,
    viewer: Viewer,
    cursor: str | None = None,
    limit: int = 50,
    team_id: str | None = None,
    search: str | None = None,
    role: Role | None = None,
    active: bool | None = None,
) -> Page[User]:
    """Return a page of users by address; `search` is a part of the name or the address."""
    query = select(User).where(users_visible_to(viewer))
    if team_id:
        query = query.where(User.team_id == team_id)
    if search:
        query = query.where(
            or_(User.email.icontains(search, autoescape=True), User.name.icontains(search, autoescape=True))
        )
    if role is not None:
        query = query.where(User.role == role)
    if active is not None:
        query = query.where(User.is_active.is_(active))
    return await page(session, query, User.email, User.id, cursor=cursor, limit=limit, descending=False)


async def teams_page(
    session: AsyncSession, *, viewer: Viewer, cursor: str | None = None, limit: int = 50
) -> Page[Team]:
    """Return a page of teams by name."""
    query = select(Team).where(teams_visible_to(viewer))
    return await page(session, query, Team.name, Team.id, cursor=cursor, limit=limit, descending=False)


async def members(session: AsyncSession, team_id: str) -> int:
    """Count the users of a team."""
    return (await session.scalars(select(func.count()).where(User.team_id == team_id))).one()


async def forget_team(session: AsyncSession, team_id: str) -> None:
    """Remove what was shared with a team."""
    for table in (ScheduleShare, ConnectionGrant):
        await session.execute(delete(table).where(table.subject == team_subject(team_id)))


async def key_and_owner(session: AsyncSession, prefix: str) -> tuple[ApiKey, User] | None:
    """Return the key that begins so, with its owner, or None."""
    # Asked for each request: as a lambda it is built and compiled once.
    query = lambda_stmt(
        lambda: select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(ApiKey.prefix == prefix)
    )
    found = (await session.execute(query)).one_or_none()
    return (found[0], found[1]) if found else None


async def key(session: AsyncSession, key_id: str, *, viewer: Viewer, doing: Action, lock: bool = False) -> ApiKey:
    """Return a key.

    Raises:
        NotFound: there is none of that id, for this viewer.
        Forbidden: the viewer may see it and not do this.
    """
    query = select(ApiKey).where(ApiKey.id == key_id, keys_visible_to(viewer))
    found = await _one(session, query, f"key {key_id[:60]}", "keys", lock=lock)
    viewer.require(doing, viewer.relation_to(found.user_id))
    return found


async def keys_page(
    session: AsyncSession, *, viewer: Viewer, cursor: str | None = None, limit: int = 50, user_id: str | None = None
) -> Page[ApiKey]:
    """Return a page of keys, newest first."""
    query = select(ApiKey).where(keys_visible_to(viewer))
    if user_id:
        query = query.where(ApiKey.user_id == user_id)
    return await page(session, query, ApiKey.created_at, ApiKey.id, cursor=cursor, limit=limit, descending=True)


async def record_use(session: AsyncSession, key_id: str, *, now: datetime, before: datetime) -> None:
    """Write that a key was used, unless another process has written so since `before`."""
    unknown = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= before)
    await session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, unknown)
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )


def _valid(now: datetime) -> ColumnElement[bool]:
    return and_(ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))


def expiring(*, now: datetime, before: datetime) -> Select[tuple[ApiKey]]:
    """Return the query of keys that end before this moment and whose owners were not told yet."""
    found = select(ApiKey).where(_valid(now), ApiKey.expires_at <= before, ApiKey.reminded_at.is_(None))
    return found.order_by(ApiKey.expires_at, ApiKey.id)


def old(*, now: datetime, before: datetime) -> Select[tuple[ApiKey]]:
    """Return the query of keys that were made before this moment and whose owners were not told so yet."""
    found = select(ApiKey).where(_valid(now), ApiKey.created_at <= before, ApiKey.age_reminded_at.is_(None))
    return found.order_by(ApiKey.created_at, ApiKey.id)


async def keys_to_replace(
    session: AsyncSession, *, viewer: Viewer, now: datetime, ends_before: datetime, made_before: datetime
) -> Sequence[ApiKey]:
    """Return the keys that end soon or are old, the next to end first, whether or not their owners were told."""
    due = or_(ApiKey.expires_at <= ends_before, ApiKey.created_at <= made_before)
    query = select(ApiKey).where(keys_visible_to(viewer), _valid(now), due).order_by(ApiKey.expires_at, ApiKey.id)
    return (await session.scalars(query)).all()


async def users_named(
    session: AsyncSession, *, viewer: Viewer, ids: Sequence[str] = (), emails: Sequence[str] = ()
) -> Sequence[User]:
    """Return the users with these ids or addresses that the viewer may see, by address."""
    wanted = or_(User.id.in_(ids), func.lower(User.email).in_([email.lower() for email in emails]))
    return (await session.scalars(select(User).where(users_visible_to(viewer), wanted).order_by(User.email))).all()
