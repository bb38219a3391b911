"""Make, change and revoke the keys of users, and remind their owners. What takes a session works in its transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access import tokens
from mailroom.access.permissions import Action
from mailroom.audit import member_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.errors import Conflict, Forbidden, Invalid, NotFound
from mailroom.members.spec import KeySettings, NewKey
from mailroom.members.users import etag
from mailroom.notifications.events import Event, KeyExpires, KeyIsOld
from mailroom.notifications.secret_events import KeyRevoked
from mailroom.notifications.service import notify
from mailroom.roles import WIDEST
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.access import ApiKey
from mailroom.storage.tables import User
from mailroom.versions import check_etag
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
        message = f"Here a key is valid for {context.settings.key_days} days at most."
        raise Invalid.at("expires_in_days", message, "MAILROOM_KEY_DAYS sets it.", code="key_too_long")


def settings_of(row: ApiKey) -> dict[str, Any]:
    """Return what can be said of a key, as JSON."""
    return {
        "name": row.name,
        "scope": str(row.scope),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }


async def change(
    session: AsyncSession, key_id: str, wanted: KeySettings, context: Context, *, if_match: str | None = None
) -> ApiKey:
    """Rename a key, narrow its scope, or give it another end.

    Raises:
        NotFound, Forbidden.
        Conflict: it has ended, or `if_match` is stale.
        Invalid: a wider scope than it has or than the caller's own, or an end that no key may have.
    """
    row = await access.key(session, key_id, viewer=context.viewer, doing=Action.KEY_CHANGE, lock=True)
    before = settings_of(row)
    check_etag(etag(before), if_match, noun="key")
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= context.now):
        raise Conflict("The key has ended, and an ended key stays as it is.", remedy="Make a new one.")
    _check_scope(row, wanted, context)
    _check_end(row, wanted, context)
    if row.expires_at is None or wanted.expires_at > row.expires_at:
        row.reminded_at = None
    row.name, row.scope, row.expires_at = wanted.name, wanted.scope, wanted.expires_at
    after = settings_of(row)
    if changes := {key: [before[key], after[key]] for key in after if before[key] != after[key]}:
        owner = await access.find(session, row.user_id)
        assert owner is not None, "users are never removed"
        audit.record_by(session, events.KeyChanged(row.id, owner.email, row.prefix, changes), context)
    return row


def _check_scope(row: ApiKey, wanted: KeySettings, context: Context) -> None:
    if not row.scope.covers(wanted.scope):
        message = f"The key has the scope {row.scope}, and a key is never widened."
        raise Invalid.at("scope", message, "Make a new key of the wider scope, and revoke this one.")
    own = context.scope
    if not own.covers(wanted.scope):
        message = f"Your own key has the scope {own}, and cannot keep one of the scope {wanted.scope} alive."
        raise Invalid.at("scope", message, f"Ask for {own}.")


def _check_end(row: ApiKey, wanted: KeySettings, context: Context) -> None:
    if wanted.expires_at == row.expires_at:
        return
    if wanted.expires_at <= context.now:
        raise Invalid.at("expires_at", "This time has passed.", "Revoke the key to end it at once.")
    if wanted.expires_at > row.created_at + timedelta(days=context.settings.key_days):
        message = f"Here a key is valid for {context.settings.key_days} days at most."
        raise Invalid.at("expires_at", message, "Make a new key. MAILROOM_KEY_DAYS sets how long.", code="key_too_long")


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
        told = KeyRevoked(row.user_id, row.name, row.prefix, context.who)
        await notify(session, [told], at=context.now, by=context.user.id)
    return row


async def remind(database: Database, settings: Settings, *, now: datetime) -> int:
    """Tell the owners of keys that end soon, and of keys that are old, once each; return how many were told."""
    soon = now + timedelta(days=settings.key_reminder_days)
    long_ago = now - timedelta(days=settings.key_old_days)
    told = await _remind(database, access.expiring(now=now, before=soon), _tell_of_end, now=now)
    return told + await _remind(database, access.old(now=now, before=long_ago), _tell_of_age, now=now)


async def _remind(
    database: Database,
    keys: Select[tuple[ApiKey]],
    tell: Callable[[ApiKey, datetime], Event],
    *,
    now: datetime,
) -> int:
    told = 0
    while True:
        async with database.session() as session:
            query = keys.limit(_BATCH).with_for_update(skip_locked=True)
            batch = (await session.scalars(query)).all()
            await notify(session, [tell(row, now) for row in batch], at=now)
        told += len(batch)
        if len(batch) < _BATCH:
            return told


def _tell_of_end(row: ApiKey, now: datetime) -> Event:
    assert row.expires_at is not None, "only keys with an end expire"
    row.reminded_at = now
    return KeyExpires(row.user_id, row.name, row.prefix, row.expires_at)


def _tell_of_age(row: ApiKey, now: datetime) -> Event:
    row.age_reminded_at = now
    return KeyIsOld(row.user_id, row.name, row.prefix, (now - row.created_at).days)
