"""Make one-time links, look at them without using them up, and use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.login.sessions import Browser, begin, record_failure
from api.actions.view import View
from api.services import Services
from mailroom.audit import login_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.errors import Gone
from mailroom.members import links, passwords, web_sessions
from mailroom.members.links import NewLink, Purpose

PATH = "/login/link"


class LinkView(View):
    """A one-time link. This answer is the only place where it is shown."""

    link: str = Field(description="The address to open in a browser. Whoever has it can use it, once.")
    purpose: Purpose
    user_id: str
    expires_at: datetime


async def make(caller: Caller, reference: str, wanted: NewLink) -> LinkView:
    """Store a link for a user and return it, for the only time.

    Raises:
        NotFound, Forbidden, Conflict.
    """

    async def change(session: AsyncSession) -> LinkView:
        row, secret = await links.make(session, reference, wanted, caller.context)
        address = f"{caller.services.settings.public_url}{PATH}?token={secret}"
        return LinkView(link=address, purpose=wanted.purpose, user_id=row.user_id, expires_at=row.expires_at)

    return await caller.transact(change)


async def purpose_of(services: Services, secret: str, *, now: datetime) -> Purpose:
    """Return what a link is for; it can still be used afterwards.

    Raises:
        Gone: it was used, or has expired.
    """
    async with services.database.session() as session:
        return await links.look_at(session, secret, now=now)


async def by_link(services: Services, secret: str, browser: Browser) -> str:
    """Use up a link for logging in; return the secret of the new session.

    Raises:
        Gone: it was used, or has expired.
    """

    async def change(session: AsyncSession) -> str:
        user = await links.use(session, secret, Purpose.LOGIN, now=browser.now)
        return await begin(session, services, user, "link", browser)

    return await _used(services, change, browser)


async def set_password(services: Services, secret: str, new: str, browser: Browser) -> str:
    """Use up a link for setting a password; return the secret of the new session. All other sessions end.

    Raises:
        Gone: it was used, or has expired.
        Invalid: the password is no good; the link can still be used.
        Conflict: there are no passwords here.
    """
    hashed = await services.passwords.hashed(new[: passwords.LONGEST])

    async def change(session: AsyncSession) -> str:
        user = await links.use(session, secret, Purpose.RESET, now=browser.now)
        context = Context(user, browser.now, services.settings)
        links.require_local_accounts(context)
        passwords.check(new, user, "password")
        await passwords.store(session, user.id, hashed, browser.now)
        audit.record_by(session, events.PasswordChanged(user.id, "link"), context)
        await web_sessions.end_of(session, user.id, "password", context)
        return await begin(session, services, user, "link", browser)

    return await _used(services, change, browser)


async def _used(services: Services, change: Callable[[AsyncSession], Awaitable[str]], browser: Browser) -> str:
    """Use a link up by this change. A link that does not work any more is written into the audit trail."""
    try:
        return await services.database.transact(change)
    except Gone:
        await record_failure(services, "link", "gone", browser, None)
        raise
