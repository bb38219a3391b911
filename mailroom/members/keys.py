"""Make and revoke the keys of users, and remind their owners. Each function works in the caller's transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access import tokens
from mailroom.access.permissions import Action
from mailroom.audit import member_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.errors import Forbidden, Invalid, NotFound
from mailroom.members.spec import NewKey
from mailroom.notifications.events import KeyExpires
from mailroom.notifications.service import notify
from mailroom.roles import WIDEST
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.access import ApiKey
from mailroom.storage.tables import User
from prefect_mailroom.errors import ConfigurationError

EVERY_SECONDS = 600.0
"""How long after one look for keys that end soon the next one begins."""
LATE_AFTER_SECONDS = 3600.0
_BATCH = 100


async def create(session: AsyncSession, wanted: NewKey, context: Context) -> tuple[ApiKey, str]:
    """Store a new key; return it with its text, which nobody can read again.

    Raises:
        ConfigurationError: there is no pepper to hash it with.
        Forbidden: the key would be another user's, and the caller is not an admin.
        Invalid: no such user, a scope beyond the owner's role or the caller's own, or too many days.
    """
    settings = context.settings
    pepper = settings.key_pepper.get_secret_value()
    if not pepper:
        message = "Keys of users cannot be made, since there is no secret to hash them with."
        raise ConfigurationError(
            message, remedy="Set MAILROOM_KEY_PEPPER to a random value of 32 characters or more.", field=""
        )
    owner = await _owner(session, wanted, context)
    _check(wanted, owner, context)
    token = tokens.new_token()
    row = ApiKey(
        id=new_id(),
        user_id=owner.id,
        name=wanted.name,
        prefix=tokens.prefix_of(token),
        digest=tokens.digest(token, pepper),
        scope=wanted.scope,
        expires_at=context.now + timedelta(days=wanted.expires_in_days),
        created_at=context.now,
    )
    session.add(row)
    await session.flush()
    ends = row.expires_at.isoformat() if row.expires_at else None
    audit.record_by(session, events.KeyCreated(row.id, owner.email, row.prefix, str(row.scope), ends), context)
    return row, token


async def _owner(session: AsyncSession, wanted: NewKey, context: Context) -> User:
    if wanted.user is None:
        return context.user
    try:
        owner = await access.user(session, wanted.user, viewer=context.viewer)
    except NotFound as error:
        raise Invalid.at("user", error.message, error.remedy) from error
    if owner.id != context.user.id and not context.viewer.may(Action.USER_CHANGE, context.viewer.relation_to(owner.id)):
        raise Forbidden("Only an admin makes keys for other users.", remedy="Leave `user` out for a key of your own.")
    return owner


def _check(wanted: NewKey, owner: User, context: Context) -> None:
    widest = WIDEST[owner.role]
    if not widest.covers(wanted.scope):
        message = f"The role {owner.role} of {owner.email} allows the scope {widest} at most."
        raise Invalid.at("scope", message, f"Ask for {widest}.")
    if not context.scope.covers(wanted.scope):
        message = f"Your own key has the scope {context.scope}, and a key never gives more than the one that made it."
        raise Invalid.at("scope", message, f"Ask for {context.scope}.")
    if wanted.expires_in_days > context.settings.key_days:
        message = f"Here a key is valid for {context.settings.key_days} days at most (MAILROOM_KEY_DAYS)."
        raise Invalid.at("expires_in_days", message)


async def revoke(session: AsyncSession, key_id: str, context: Context) -> ApiKey:
    """End a key: the next request with it is refused. One that has ended already stays as it is.

    Raises:
        NotFound, Forbidden.
    """
    row = await access.key(session, key_id, viewer=context.viewer, doing=Action.KEY_REVOKE, lock=True)
    if row.revoked_at is None:
        row.revoked_at = context.now
        owner = await access.find(session, row.user_id)
        assert owner is not None, "users are never removed"
        audit.record_by(session, events.KeyRevoked(row.id, owner.email, row.prefix), context)
    return row


async def remind(database: Database, settings: Settings, *, now: datetime) -> int:
    """Tell the owners of keys that end soon, once for each key; return how many were told."""
    told = 0
    before = now + timedelta(days=settings.key_reminder_days)
    while True:
        async with database.session() as session:
            batch = await access.expiring(session, now=now, before=before, limit=_BATCH)
            for row in batch:
                assert row.expires_at is not None, "only keys with an end expire"
                notify(session, KeyExpires(row.user_id, row.name, row.prefix, row.expires_at), at=now)
                row.reminded_at = now
        told += len(batch)
        if len(batch) < _BATCH:
            return told
