"""Log in with a password, and change it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.login.sessions import Browser, LogInRefused, begin, record_failure
from api.services import Services
from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.audit import login_events as events
from mailroom.audit import repository as audit
from mailroom.errors import Conflict, Invalid
from mailroom.members import links, passwords, throttle, web_sessions
from mailroom.members.throttle import Throttled


async def by_password(services: Services, email: str, password: str, browser: Browser) -> str:
    """Begin a session of the user with this address and password; return its secret.

    Raises:
        LogInRefused: they are wrong, or the user is disabled or has no password; it is not told which.
        Throttled: there were too many wrong tries.
    """
    account, now = email.strip(), browser.now
    address = browser.origin.address
    await _count(services, account.casefold(), address, now)
    async with services.database.session() as session:
        user, kept = await passwords.of_account(session, account)
    right = await services.passwords.is_right(password, kept)
    if user is None or not right or not user.is_active or user.is_service or not services.settings.local_log_in:
        reason = "wrong" if user is None or user.is_active else "disabled"
        await record_failure(services, "password", reason, browser, user)
        raise LogInRefused(
            "The e-mail address or the password is wrong.",
            remedy="Check both. An admin can make you a one-time link, with which you set a new password.",
        )

    # Only now is the password at hand, so that a hash made with older settings can be made anew.
    anew = await services.passwords.hashed(password) if kept and passwords.is_outdated(kept) else None

    async def change(session: AsyncSession) -> str:
        await throttle.take_back(session, account.casefold(), address)
        if anew is not None:
            await passwords.renew(session, user.id, anew, instead_of=kept)
        return await begin(session, services, user, "password", browser)

    return await services.database.transact(change)


async def _count(services: Services, account: str, address: str, now: datetime) -> None:
    wait = await services.database.transact(lambda session: throttle.count(session, account, address, now))
    if wait is not None:
        raise Throttled(wait)


async def change_password(caller: Caller, reference: str, *, current: str | None, new: str) -> None:
    """Give the caller a new password, and end the caller's other sessions.

    Raises:
        NotFound, Forbidden: the user is somebody else.
        Conflict: there is no password yet and the caller has no web session, or there are no passwords here.
        Invalid: the current password is wrong, or the new one is no good.
        Throttled: there were too many wrong tries.
    """
    context, services = caller.context, caller.services
    links.require_local_accounts(context)
    async with caller.session() as session:
        user = await access.user(session, reference, viewer=caller.viewer, doing=Action.USER_PASSWORD)
        kept = await passwords.of_user(session, user.id)
    if context.acted_by is not None or user.is_service:
        message = "A password is set by the person whose it is."
        raise Conflict(message, remedy="POST /api/v1/users/{id}/links makes a link for it.", code="password_of_another")
    if kept is None and caller.session_id is None:
        # A key that leaked would otherwise become a log-in that outlives it.
        message = "You have no password yet, and a first one is not set with a key."
        raise Conflict(message, remedy="Log in with a browser, or ask an admin for a link.")
    passwords.check(new, user)
    if kept is not None:
        await _count(services, user.id, "change", context.now)
        if not await services.passwords.is_right(current or "", kept):
            raise Invalid.at("current", "The current password is wrong.")
    hashed = await services.passwords.hashed(new)

    async def change(session: AsyncSession) -> None:
        await throttle.take_back(session, user.id, "change")
        await passwords.store(session, user.id, hashed, context.now)
        await links.void_all(session, user.id, context.now)
        event = events.PasswordChanged(user.id, "session" if kept is None else "password")
        audit.record_by(session, event, context)
        await web_sessions.end_of(session, user.id, "password", context, keep=caller.session_id)

    await caller.transact(change)
