"""Let in who has a token of the identity provider; the first time this makes a user, and a newer token changes one."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from mailroom.access.login import Login, log_in_by_subject
from mailroom.access.oidc.claims import Told, told_by
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.members import identities
from mailroom.schedules.ownership import owners
from mailroom.settings import Settings
from mailroom.storage.tables import User


class Write(Protocol):
    """Stores what the provider tells of somebody."""

    async def __call__(self, session: AsyncSession, told: Told, *, now: datetime, settings: Settings) -> User:
        """Return the user as it is now."""


def looks_like_token(given: str) -> bool:
    """Tell whether a credential is a JSON Web Token rather than a key of ours. Pure."""
    return given.startswith("ey") and given.count(".") == 2


async def by_token(services: Services, token: str, *, now: datetime) -> Login:
    """Return who has this token. The user may be disabled.

    Raises:
        TokenRefused: it is not a valid token for us.
        Forbidden: the provider gives no role.
        Conflict: a first log-in cannot become a user.
        Unavailable: the provider has to be asked and does not answer.
    """
    claims = await services.provider.bearer(token)
    user = await known_by(services, told_by(claims, services.settings), now=now)
    return Login.of(user)


async def known_by(services: Services, told: Told, *, now: datetime) -> User:
    """Return the user that the provider tells of, with the role and team that it gives.

    Raises:
        Forbidden, Conflict.
    """
    settings = services.settings
    async with services.database.session() as session:
        found = await log_in_by_subject(session, told.issuer, told.subject)
    if found is not None:
        identity, user = found
        role = identities.role_of(told, user, settings)
        if not identities.is_news(told, role, identity, user):
            return user
        return await _change(services, identities.follow, told, now)
    try:
        return await _change(services, identities.first_log_in, told, now)
    except (IntegrityError, Conflict) as error:
        async with services.database.session() as session:
            found = await log_in_by_subject(session, told.issuer, told.subject)
        if found is not None:
            return found[1]  # Another request of the same subject was faster.
        if isinstance(error, Conflict):
            raise
        message = "Another user got your e-mail address at the same moment."
        raise Conflict(message, remedy="Ask an admin.") from error


async def _change(services: Services, write: Write, told: Told, now: datetime) -> User:
    """Store what the provider tells, and suspend the schedules of who may own none any more."""
    settings = services.settings

    async def change(session: AsyncSession) -> tuple[User, list[str]]:
        changed = await write(session, told, now=now, settings=settings)
        return changed, await owners.suspend_if_barred(session, changed, Context(changed, now, settings))

    user, suspended = await services.database.transact(change)
    await asyncio.gather(*(services.reconciler.settle_schedule(one) for one in suspended))
    return user
