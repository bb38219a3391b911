"""Send a test alert by each route that is set, and say of each what happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.alerts.routes import Person
from mailroom.alerts.sending import request
from mailroom.alerts.sending.errors import NotYet
from mailroom.alerts.sending.mail import Mailer
from mailroom.alerts.spec import OPERATORS, Target
from mailroom.alerts.words.message import Message, message_of
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.story import Story
from mailroom.notifications.events import Event
from mailroom.notifications.kinds import Kind, Route
from mailroom.notifications.service import notify
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tried:
    """Say how the test of one route ended; `message` says what the far side confirmed, or what was wrong."""

    target: Target
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class TrialTold(Event):
    """Somebody has tested the alerts."""

    kind = Kind.OTHER

    @property
    def severity(self) -> str:
        """Return `info`: nothing is wrong."""
        return "info"

    @property
    def title(self) -> str:
        """Return what it is."""
        return "A test of alerts"

    @property
    def body(self) -> str:
        """Return what it proves."""
        return "Nothing is wrong. Alerts within Mailroom look like this one."


def targets_of(settings: Settings, person: Person) -> list[Target]:
    """Return whom a test reaches: the operators by each route that is set, and the one who tests. Pure.

    Where operators have no mail address, the mail goes to the one who tests.
    """
    mail = [Target(Route.MAIL, address) for address in settings.alerts.operators]
    if not mail and person.email and person.can_read:
        mail = [Target(Route.MAIL, person.email, person.id)]
    requests = [Target(Route.WEBHOOK, OPERATORS)] if settings.alerts.has_webhook else []
    return [*mail, *requests, Target(Route.IN_APP, person.id, person.id)]


def story_of(settings: Settings, now: datetime) -> Story:
    """Return what a test tells: an incident that is none. Pure."""
    return Story(
        incident_id="",
        kind=IncidentKind.QUEUE_BEHIND,
        severity=Severity.ERROR,
        stage=Stage.OPENED,
        level=Level.OPERATOR,
        subject="test",
        opened_at=now,
        zone=settings.default_timezone,
    )


async def send(database: Database, settings: Settings, person: Person, *, clock: Callable[[], datetime]) -> list[Tried]:
    """Send the test, all routes at once."""
    story = story_of(settings, clock())
    message = message_of(story, settings.public_url, runbooks=settings.alerts.runbooks, is_test=True)
    key = f"alert-test-{new_id()}"
    targets = targets_of(settings, person)
    return list(
        await asyncio.gather(
            *(_tried(target, _by(target, database, settings, story, message, key, clock)) for target in targets)
        )
    )


async def _tried(target: Target, sending: Awaitable[str]) -> Tried:
    try:
        return Tried(target, ok=True, message=await sending)
    except MailroomError as error:
        return Tried(target, ok=False, message=str(error))
    except NotYet as not_yet:
        return Tried(target, ok=False, message=str(not_yet))
    except Exception:
        error_id = new_id()
        _LOG.exception("The test of alerts by %s ended with an error of our own (error %s).", target.route, error_id)
        return Tried(target, ok=False, message=f"It ended with an error of our own (error {error_id}).")


async def _by(
    target: Target,
    database: Database,
    settings: Settings,
    story: Story,
    message: Message,
    key: str,
    clock: Callable[[], datetime],
) -> str:
    """Send the test by one route, and return what confirms it."""
    match target.route:
        case Route.MAIL:
            mailer = Mailer(database, settings, clock=clock, is_test=True)
            own = f"{key}-{target.address}"
            receipt = await mailer.send(message, key=own, thread=key, address=target.address, attempt=1)
        case Route.WEBHOOK:
            receipt = await request.send(settings.alerts, story, message, key=key, attempt=1, is_test=True)
        case Route.IN_APP:

            async def write(session: AsyncSession) -> None:
                await notify(session, [TrialTold(target.address)], at=clock())

            await database.transact(write)
            return "It stands among your notifications."
    return f"The far side confirmed it: {receipt.reference}."
