"""Make the address by which a user stops digests or summaries by one click, and do what it asks for.

Like the link by which readers unsubscribe, it needs no log-in and does not end: who has it may do this and nothing
else.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import member_events as events
from mailroom.audit import repository as audit
from mailroom.context import Origin
from mailroom.errors import Gone
from mailroom.links.maker import is_private, keys_of
from mailroom.links.tokens import Claim, Purpose, read, sign
from mailroom.links.unsubscribe import BY_LINK
from mailroom.links.visitor import Visitor
from mailroom.notifications.kinds import Route
from mailroom.notifications.wants import PREFERENCE, wants
from mailroom.settings import Settings
from mailroom.storage import locks
from mailroom.storage.tables import Json, User
from mailroom.telling.pages import base_of
from mailroom.telling.spec import TellingKind

PURPOSES = {TellingKind.DAILY_DIGEST: Purpose.STOP_DIGEST, TellingKind.WEEKLY_SUMMARY: Purpose.STOP_SUMMARY}


@dataclass(frozen=True, slots=True)
class Standing:
    """Say whether a user gets mails of a kind."""

    address: str
    kind: TellingKind
    is_sent: bool


def stop_url(settings: Settings, kind: TellingKind, user_id: str) -> str:
    """Return the address at which a user stops mails of a kind; empty where none can be made. Pure."""
    key, base = settings.link_key.get_secret_value(), base_of(settings)
    if not (key and base and settings.unsubscribe_links and is_private(base)):
        return ""
    purpose = PURPOSES[kind]
    return f"{base}/{purpose}/{sign(purpose, Claim(user_id), key)}"


async def standing_of(session: AsyncSession, settings: Settings, kind: TellingKind, token: str) -> Standing:
    """Return whether the user of a link gets mails of its kind.

    Raises:
        Gone: there is no such link.
    """
    user = await session.get(User, _user_id(settings, kind, token))
    if user is None or not user.is_active:
        raise _gone()
    return Standing(user.email, kind, wants(user.preferences, kind, Route.MAIL))


async def choose(
    session: AsyncSession, settings: Settings, kind: TellingKind, token: str, visitor: Visitor, *, is_sent: bool
) -> Standing:
    """Stop the mails of a kind to the user of a link, or begin them again.

    Raises:
        Gone: there is no such link.
    """
    user = await locks.hold(session, User, _user_id(settings, kind, token))
    if user is None or not user.is_active:
        raise _gone()
    if wants(user.preferences, kind, Route.MAIL) is not is_sent:
        before, after = user.preferences.get(PREFERENCE, {}), _with(user.preferences, kind, is_sent=is_sent)
        user.preferences, user.updated_at = after, visitor.now
        changed = events.UserChanged(user.id, {PREFERENCE: [before, after[PREFERENCE]]})
        audit.record(session, changed, at=visitor.now, actor=user.email, origin=Origin(visitor.address, BY_LINK))
    return Standing(user.email, kind, is_sent)


def _with(preferences: Json, kind: TellingKind, *, is_sent: bool) -> Json:
    """Return preferences in which mails of a kind are wanted, or not. Pure."""
    chosen = preferences.get(PREFERENCE)
    chosen = chosen if isinstance(chosen, dict) else {}
    routes = chosen.get(kind.value)
    routes = routes if isinstance(routes, dict) else {}
    return {**preferences, PREFERENCE: {**chosen, kind.value: {**routes, Route.MAIL.value: is_sent}}}


def _user_id(settings: Settings, kind: TellingKind, token: str) -> str:
    claim = read(PURPOSES[kind], token, keys_of(settings))
    if claim is None:
        raise _gone()
    return claim.delivery_id


def _gone() -> Gone:
    return Gone(
        "This link does not work, or does not work any more.",
        remedy="Log in, and choose on your own page what you are told.",
    )
