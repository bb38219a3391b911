"""Web sessions, passwords, one-time links and subjects of the identity provider in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.storage.model.login import Identity, LocalPassword, LoginFailures, LoginLink, WebSession
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import User


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the sessions that the viewer may see: all, or the viewer's own."""
    return true() if viewer.sees_all else WebSession.user_id == viewer.user_id


def _live(now: datetime, seen_after: datetime) -> ColumnElement[bool]:
    return WebSession.ended_at.is_(None) & (WebSession.expires_at > now) & (WebSession.last_seen_at > seen_after)


async def session_and_user(session: AsyncSession, digest: str) -> tuple[WebSession, User] | None:
    """Return the web session whose secret has this digest, with its user, or None. It may have ended."""
    query = select(WebSession, User).join(User, User.id == WebSession.user_id).where(WebSession.digest == digest)
    found = (await session.execute(query)).one_or_none()
    return (found[0], found[1]) if found else None


async def identity_and_user(session: AsyncSession, issuer: str, subject: str) -> tuple[Identity, User] | None:
    """Return the subject of a provider, with the user it is, or None."""
    query = select(Identity, User).join(User, User.id == Identity.user_id)
    query = query.where(Identity.issuer == issuer, Identity.subject == subject)
    found = (await session.execute(query)).one_or_none()
    return (found[0], found[1]) if found else None


async def live_page(
    session: AsyncSession,
    *,
    viewer: Viewer,
    now: datetime,
    seen_after: datetime,
    cursor: str | None = None,
    limit: int = 50,
    user_id: str | None = None,
) -> Page[WebSession]:
    """Return a page of the sessions that can be used now, newest first."""
    query = select(WebSession).where(visible_to(viewer), _live(now, seen_after))
    if user_id:
        query = query.where(WebSession.user_id == user_id)
    return await page(session, query, WebSession.created_at, WebSession.id, cursor=cursor, limit=limit, descending=True)


async def count_live(session: AsyncSession, user_id: str, *, now: datetime, seen_after: datetime) -> int:
    """Count the sessions of a user that can be used now."""
    query = select(func.count()).where(WebSession.user_id == user_id, _live(now, seen_after))
    return (await session.scalars(query)).one()


async def last_log_ins(session: AsyncSession, user_ids: Sequence[str], *, viewer: Viewer) -> dict[str, datetime]:
    """Return when each of these users last logged in with a browser, of those sessions that the viewer may see."""
    query = select(WebSession.user_id, func.max(WebSession.created_at)).where(
        WebSession.user_id.in_(user_ids), visible_to(viewer)
    )
    return {row[0]: row[1] for row in await session.execute(query.group_by(WebSession.user_id))}


async def get(session: AsyncSession, session_id: str, *, viewer: Viewer, doing: Action) -> WebSession:
    """Return a session, which is locked.

    Raises:
        NotFound: there is none of that id, for this viewer.
        Forbidden: the viewer may see it and not do this.
    """
    query = select(WebSession).where(WebSession.id == session_id, visible_to(viewer))
    query = query.with_for_update().execution_options(populate_existing=True)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no session {session_id[:60]}.", remedy="GET /api/v1/sessions lists them.", code="no_session"
        )
    viewer.require(doing, viewer.relation_to(found.user_id))
    return found


async def record_sight(session: AsyncSession, session_id: str, *, now: datetime, before: datetime) -> None:
    """Write that a session was used, unless another process has written so since `before`."""
    await session.execute(
        update(WebSession)
        .where(WebSession.id == session_id, WebSession.last_seen_at <= before, WebSession.ended_at.is_(None))
        .values(last_seen_at=now)
        .execution_options(synchronize_session=False)
    )


async def end_all(
    session: AsyncSession, user_id: str, *, now: datetime, seen_after: datetime, keep: str | None = None
) -> Sequence[str]:
    """End the sessions of a user, but for one where it is named; return the ids of those that could be used."""
    query = select(WebSession.id).where(WebSession.user_id == user_id, _live(now, seen_after))
    if keep is not None:
        query = query.where(WebSession.id != keep)
    ids = (await session.scalars(query.order_by(WebSession.id).with_for_update())).all()
    if ids:
        change = update(WebSession).where(WebSession.id.in_(ids)).values(ended_at=now)
        await session.execute(change.execution_options(synchronize_session=False))
    return ids


async def password_of(session: AsyncSession, user_id: str, *, lock: bool = False) -> LocalPassword | None:
    """Return the password of a user, or None."""
    query = select(LocalPassword).where(LocalPassword.user_id == user_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def user_and_password(session: AsyncSession, email: str) -> tuple[User, LocalPassword | None] | None:
    """Return the user with this address and the password, which may be missing, or None."""
    query = select(User, LocalPassword).outerjoin(LocalPassword, LocalPassword.user_id == User.id)
    found = (await session.execute(query.where(User.email == email))).one_or_none()
    return (found[0], found[1]) if found else None


async def link_and_user(session: AsyncSession, digest: str, *, now: datetime) -> tuple[LoginLink, User] | None:
    """Return the link whose secret has this digest, if it can still be used, with its user."""
    query = select(LoginLink, User).join(User, User.id == LoginLink.user_id)
    query = query.where(LoginLink.digest == digest, LoginLink.used_at.is_(None), LoginLink.expires_at > now)
    found = (await session.execute(query)).one_or_none()
    return (found[0], found[1]) if found else None


async def take_link(session: AsyncSession, link_id: str, *, now: datetime) -> bool:
    """Use a link up; return False where another request has just done so."""
    change = update(LoginLink).where(LoginLink.id == link_id, LoginLink.used_at.is_(None)).values(used_at=now)
    taken = await session.execute(change.returning(LoginLink.id).execution_options(synchronize_session=False))
    return taken.one_or_none() is not None


async def void_links(session: AsyncSession, user_id: str, *, now: datetime, purpose: str | None = None) -> None:
    """Make the unused links of a user useless, of one purpose or of all."""
    change = update(LoginLink).where(LoginLink.user_id == user_id, LoginLink.used_at.is_(None)).values(used_at=now)
    if purpose is not None:
        change = change.where(LoginLink.purpose == purpose)
    await session.execute(change.execution_options(synchronize_session=False))


async def forget(session: AsyncSession, *, before: datetime, failures_before: datetime) -> None:
    """Remove sessions and links that ended before this moment, and failed tries that do not count any more."""
    old = or_(WebSession.expires_at < before, WebSession.ended_at < before)
    await session.execute(delete(WebSession).where(old))
    await session.execute(delete(LoginLink).where(LoginLink.expires_at < before))
    await session.execute(delete(LoginFailures).where(LoginFailures.since < failures_before))
