"""Find out who has logged in with a key of a user. It is asked anew for each request, so a revoked key ends at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.access import tokens
from mailroom.roles import WIDEST, Scope
from mailroom.storage.model.access import ApiKey
from mailroom.storage.tables import User

USED_EVERY = timedelta(minutes=1)
"""How often the last use of a key is written, at most."""
_NO_KEY = "0" * 64


@dataclass(frozen=True, slots=True)
class Login:
    """Who has logged in. Without a user it is the key of the installation, which stands for the default user.

    `key` is the key of a user; `scope` is what it gives, never more than the user's role.
    """

    user: User | None = None
    scope: Scope = Scope.ADMIN
    key: ApiKey | None = None


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


async def record_use(session: AsyncSession, key: ApiKey, now: datetime) -> None:
    """Write that a key is used now, unless another process has written so within the last minute."""
    await users.record_use(session, key.id, now=now, before=now - USED_EVERY)


def narrower(one: Scope, other: Scope) -> Scope:
    """Return the scope that both give. Pure."""
    return other if one.covers(other) else one


def is_use_due(key: ApiKey, now: datetime) -> bool:
    """Tell whether the use of a key now is to be written. Pure."""
    return key.last_used_at is None or now - key.last_used_at >= USED_EVERY
