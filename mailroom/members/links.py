"""One-time links: an admin makes one, and a browser uses it once, to log in or to set a password."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access import secrets_kept
from mailroom.access.permissions import Action
from mailroom.access.sessions import repository as stored
from mailroom.audit import login_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.errors import Conflict, Gone
from mailroom.storage.database import new_id
from mailroom.storage.model.login import LoginLink
from mailroom.storage.tables import User


class Purpose(StrEnum):
    """The purpose of a one-time link."""

    LOGIN = "login"
    RESET = "reset"


class NewLink(BaseModel):
    """A new one-time link. It makes the earlier ones for the same purpose useless."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Purpose = Field(
        default=Purpose.LOGIN, description="`login` opens a session; `reset` lets its user set a new password."
    )


async def make(session: AsyncSession, reference: str, wanted: NewLink, context: Context) -> tuple[LoginLink, str]:
    """Store a link for a user; return it with its secret, which is not kept.

    Raises:
        NotFound, Forbidden.
        Conflict: the user is disabled or a service account, or there are no passwords here.
    """
    user = await access.user(session, reference, viewer=context.viewer, doing=Action.USER_LINK, lock=True)
    if not user.is_active or user.is_service:
        kind = "a service account" if user.is_service else "disabled"
        raise Conflict(f"{user.email} is {kind}, and cannot log in with a browser.", remedy="Choose another user.")
    if wanted.purpose is Purpose.RESET:
        require_local_accounts(context)
    await stored.void_links(session, user.id, now=context.now, purpose=wanted.purpose)
    secret = secrets_kept.new_secret()
    row = LoginLink(
        id=new_id(),
        user_id=user.id,
        digest=secrets_kept.digest(secret),
        purpose=wanted.purpose,
        made_by=context.actor.email,
        created_at=context.now,
        expires_at=context.now + timedelta(minutes=context.settings.link_minutes),
    )
    session.add(row)
    await session.flush()
    event = events.LinkMade(user.id, str(wanted.purpose), row.expires_at.isoformat())
    audit.record_by(session, event, context)
    return row, secret


async def void_all(session: AsyncSession, user_id: str, now: datetime) -> None:
    """Make all links of a user useless."""
    await stored.void_links(session, user_id, now=now)


def require_local_accounts(context: Context) -> None:
    """Refuse what is about passwords where nobody can log in with one.

    Raises:
        Conflict: local accounts are off.
    """
    if not context.settings.local_log_in:
        message = "Passwords are not used here."
        raise Conflict(
            message,
            remedy="Log in through the identity provider, or set MAILROOM_LOCAL_ACCOUNTS=true.",
            code="no_passwords",
        )


async def look_at(session: AsyncSession, secret: str, *, now: datetime) -> Purpose:
    """Return what a link is for, without using it up.

    Raises:
        Gone: it does not exist, was used, or has expired.
    """
    return Purpose((await _found(session, secret, now))[0].purpose)


async def use(session: AsyncSession, secret: str, purpose: Purpose, *, now: datetime) -> User:
    """Use a link up; return whom it is for.

    Raises:
        Gone: it does not exist, is for something else, was used, has expired, or its user is disabled.
    """
    row, user = await _found(session, secret, now)
    if row.purpose != purpose or not user.is_active or not await stored.take_link(session, row.id, now=now):
        raise _gone()
    return user


async def _found(session: AsyncSession, secret: str, now: datetime) -> tuple[LoginLink, User]:
    found = await stored.link_and_user(session, secrets_kept.digest(secret), now=now)
    if found is None:
        raise _gone()
    return found


def _gone() -> Gone:
    return Gone("This link was used already, or has expired.", remedy="Ask an admin for a new one.")
