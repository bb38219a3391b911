"""Find out who has logged in with a key of a user, a web session or a token of the identity provider.

It is asked anew for each request, by one indexed query, so what was revoked or ended is refused at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.access import secrets_kept, tokens
from mailroom.access.sessions import repository as sessions
from mailroom.roles import WIDEST, Scope
from mailroom.storage.model.access import ApiKey
from mailroom.storage.model.login import Identity, WebSession
from mailroom.storage.tables import User

Write = Callable[[AsyncSession], Awaitable[None]]
USED_EVERY = timedelta(minutes=1)
"""How often the last use of a key is written, at most."""
_NO_KEY = "0" * 64


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who has logged in. Without a user it is the key of the installation, which stands for the default user.

    `key` is the key of a user, `session` that of a browser; `scope` is what it gives, never more than the user's role.
    """

    user: User | None = None
    scope: Scope = Scope.ADMIN
    key: ApiKey | None = None
    session: WebSession | None = None

    @classmethod
    def of(cls, user: User, session: WebSession | None = None) -> Login:
        """Return the log-in of a user with all that the role gives."""
        return cls(user, WIDEST[user.role], session=session)


async def log_in(session: AsyncSession, token: str, *, pepper: str, now: datetime) -> Login | None:
    """Return who holds this key, or None where it is none, wrong, expired or revoked. The user may be disabled."""
    prefix = tokens.prefix_of(token)
    if prefix is None or not pepper:
        return None
    found = await users.key_and_owner(session, prefix)
    # Compared in any case: the time does not tell whether there is a key of this prefix.
    right = tokens.is_of(token, pepper, found[0].digest if found else _NO_KEY)
    if found is None or not right:
        return None
    key, user = found
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    return Login(user, narrower(key.scope, WIDEST[user.role]), key)


async def log_in_by_session(session: AsyncSession, token: str, *, idle: timedelta, now: datetime) -> Login | None:
    """Return whose web session this is, or None where there is none, or it has ended. The user may be disabled."""
    found = await sessions.session_and_user(session, secrets_kept.digest(token))
    if found is None or not is_live(found[0], idle=idle, now=now):
        return None
    return Login.of(found[1], found[0])


async def log_in_by_subject(session: AsyncSession, issuer: str, subject: str) -> tuple[Identity, User] | None:
    """Return who this subject of the provider is, or None where it has not been here yet. The user may be disabled."""
    return await sessions.identity_and_user(session, issuer, subject)


def is_live(row: WebSession, *, idle: timedelta, now: datetime) -> bool:
    """Tell whether a web session can be used now. Pure."""
    return row.ended_at is None and now < row.expires_at and now - row.last_seen_at < idle


def record_use(key: ApiKey, now: datetime) -> Write:
    """Return what writes that a key is used now, unless another process has written so within the last minute."""

    async def write(session: AsyncSession) -> None:
        await users.record_use(session, key.id, now=now, before=now - USED_EVERY)

    return write


def record_sight(row: WebSession, now: datetime) -> Write:
    """Return what writes that a web session is used now, unless another process has just written so."""

    async def write(session: AsyncSession) -> None:
        await sessions.record_sight(session, row.id, now=now, before=now - USED_EVERY)

    return write


def narrower(one: Scope, other: Scope) -> Scope:
    """Return the scope that both give. Pure."""
    return other if one.covers(other) else one


def is_use_due(key: ApiKey, now: datetime) -> bool:
    """Tell whether the use of a key now is to be written. Pure."""
    return key.last_used_at is None or now - key.last_used_at >= USED_EVERY


def is_sight_due(row: WebSession, now: datetime) -> bool:
    """Tell whether it is to be written that a session is used now. Pure."""
    return now - row.last_seen_at >= USED_EVERY
