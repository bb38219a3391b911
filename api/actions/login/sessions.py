"""Log a browser in: by a password, at the identity provider, or by a one-time link; and out again.

Each returns the secret of a new session. A session that the browser had before ends, so that nobody goes on in one that
somebody else began.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from mailroom.members import web_sessions
from mailroom.members.web_sessions import Origin
from mailroom.storage.tables import User
from prefect_mailroom.errors import MailroomError


class LogInRefused(MailroomError):
    """A log-in that was refused. It says the same whether there is such a user or not."""


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser that logs in: where it is, when, and the secret of the session that it has already, if any."""

    origin: Origin
    now: datetime
    before: str | None = None


async def begin(session: AsyncSession, services: Services, user: User, method: str, browser: Browser) -> str:
    """Begin a session of a user in the caller's transaction; return its secret."""
    if browser.before is not None:
        await web_sessions.log_out(session, browser.before, browser.now)
    settings = services.settings
    _, secret = await web_sessions.begin(session, user, method, browser.origin, now=browser.now, settings=settings)
    return secret


async def log_out(services: Services, secret: str, now: datetime) -> None:
    """End the session with this secret, if there is one."""
    await services.database.transact(lambda session: web_sessions.log_out(session, secret, now))


async def record_failure(services: Services, method: str, reason: str, browser: Browser, user: User | None) -> None:
    """Write into the audit trail that a log-in was refused."""

    async def tell(session: AsyncSession) -> None:
        web_sessions.record_failure(session, user, method, reason, browser.origin, browser.now)

    await services.database.transact(tell)
