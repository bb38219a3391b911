"""Let in who has a token of the identity provider; the first time this makes a user, and a newer token changes one."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from mailroom.access.login import Login, log_in_by_subject
from mailroom.access.oidc.claims import Told, told_by
from mailroom.context import Context
from mailroom.members import identities
from mailroom.schedules.ownership import owners
from mailroom.storage.tables import User


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
    if found is None:
        return await _first_time(services, told, now)
    identity, user = found
    role = identities.role_of(told, user, settings)
    if not identities.is_news(told, role, identity, user):
        return user

    async def change(session: AsyncSession) -> tuple[User, list[str]]:
        changed = await identities.follow(session, told, now=now, settings=settings)
        return changed, await owners.suspend_if_barred(session, changed, Context(changed, now, settings))

    user, suspended = await services.database.transact(change)
    await asyncio.gather(*(services.reconciler.settle_schedule(one) for one in suspended))
    return user


async def _first_time(services: Services, told: Told, now: datetime) -> User:
    async def change(session: AsyncSession) -> User:
        return await identities.first_log_in(session, told, now=now, settings=services.settings)

    try:
        return await services.database.transact(change)
    except IntegrityError:
        # Another request of the same subject was faster.
        async with services.database.session() as session:
            found = await log_in_by_subject(session, told.issuer, told.subject)
        if found is None:
            raise
        return found[1]
