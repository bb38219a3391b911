"""Begin and end web sessions. Each function works in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import secrets_kept
from mailroom.access.permissions import Action
from mailroom.access.sessions import repository as stored
from mailroom.audit import login_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.members import throttle
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.login import WebSession
from mailroom.storage.tables import User

KEPT = timedelta(days=30)
"""How long what has ended is kept, for who looks into something that happened."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a log-in: the address of the peer, and the name that its browser gives itself."""

    address: str
    agent: str


def idle(settings: Settings) -> timedelta:
    """Return after how long without a request a session ends."""
    return timedelta(minutes=settings.session_idle_minutes)


async def begin(
    session: AsyncSession, user: User, method: str, origin: Origin, *, now: datetime, settings: Settings
) -> tuple[WebSession, str]:
    """Store a new session of a user; return it with its secret, which goes into a cookie and is not kept."""
    secret = secrets_kept.new_secret()
    row = WebSession(
        id=new_id(),
        user_id=user.id,
        digest=secrets_kept.digest(secret),
        method=method,
        address=_short(origin.address, 64),
        agent=_short(origin.agent, 200),
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=settings.session_hours),
    )
    session.add(row)
    await session.flush()
    audit.record(session, events.LoggedIn(user.id, row.id, method, row.address), at=now, actor=user.email)
    return row, secret


def _short(text: str, most: int) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:most])


async def end(session: AsyncSession, session_id: str, context: Context) -> None:
    """End a session: the next request with it is refused. One that has ended already stays as it is.

    Raises:
        NotFound, Forbidden.
    """
    row = await stored.get(session, session_id, viewer=context.viewer, doing=Action.SESSION_END)
    if row.ended_at is None:
        row.ended_at = context.now
        audit.record_by(session, events.SessionsEnded(row.user_id, [row.id], "asked"), context)


async def end_own(session: AsyncSession, context: Context, *, keep: str | None = None) -> int:
    """End all sessions of the user who asks, but for one where it is named; return how many there were."""
    return await end_of(session, context.user.id, "asked", context, keep=keep)


async def end_of(session: AsyncSession, user_id: str, reason: str, context: Context, *, keep: str | None = None) -> int:
    """End all sessions of a user, but for one where it is named; return how many there were."""
    seen_after = context.now - idle(context.settings)
    ids = await stored.end_all(session, user_id, now=context.now, seen_after=seen_after, keep=keep)
    if ids:
        audit.record_by(session, events.SessionsEnded(user_id, list(ids), reason), context)
    return len(ids)


async def count_own(session: AsyncSession, context: Context) -> int:
    """Count the sessions of the user who asks that can be used now."""
    seen_after = context.now - idle(context.settings)
    return await stored.count_live(session, context.user.id, now=context.now, seen_after=seen_after)


async def log_out(session: AsyncSession, secret: str, now: datetime) -> None:
    """End the session with this secret, if there is one."""
    found = await stored.session_and_user(session, secrets_kept.digest(secret))
    if found is None:
        return
    row, user = found
    fresh = await session.get(WebSession, row.id, with_for_update=True, populate_existing=True)
    if fresh is not None and fresh.ended_at is None:
        fresh.ended_at = now
        audit.record(session, events.LoggedOut(user.id, row.id), at=now, actor=user.email)


def record_failure(
    session: AsyncSession, user: User | None, method: str, reason: str, origin: Origin, now: datetime
) -> None:
    """Write that a log-in was refused; without a user where it is not known whose it was."""
    event = events.LogInFailed(user.id if user else events.NOBODY, method, reason, _short(origin.address, 64))
    audit.record(session, event, at=now, actor=user.email if user else audit.MAILROOM)


async def forget(database: Database, *, now: datetime) -> None:
    """Remove what ended long ago."""
    async with database.session() as session:
        await stored.forget(session, before=now - KEPT, failures_before=now - throttle.WINDOW)
