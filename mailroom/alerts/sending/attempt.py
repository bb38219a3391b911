"""Make one attempt of one alert, from its beginning to how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.alerts import case, lifecycle, outbox, repository
from mailroom.alerts.case import Case
from mailroom.alerts.lifecycle import Turn
from mailroom.alerts.repository import TOLD
from mailroom.alerts.routes import in_place_of
from mailroom.alerts.sending import request
from mailroom.alerts.sending.errors import NotYet
from mailroom.alerts.sending.mail import Mailer
from mailroom.alerts.sending.notice import is_told_already, notice_of
from mailroom.alerts.spec import AlertState
from mailroom.alerts.timing import LEASE, MOST_ATTEMPTS, after_error, may_have_arrived
from mailroom.alerts.words.message import Message, message_of
from mailroom.incidents.spec import IncidentKind, Level, Stage
from mailroom.incidents.words.story import Story
from mailroom.notifications.kinds import Route
from mailroom.notifications.service import notify
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.upkeep.incidents import Alert, Incident
from prefect_mailroom.errors import MailroomError, OutcomeUnknown

_LOG = logging.getLogger(__name__)
_LONGEST = LEASE.total_seconds() * 0.7
"""An attempt may take this many seconds in all, so that it has ended before its lease."""
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt of an alert that is under way."""

    alert: Alert
    number: int
    case: Case
    story: Story
    message: Message


class Attempt:
    """Makes one attempt of one alert. Each step is a transaction of its own; what leaves leaves between two of them."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database, self._settings, self._clock = database, settings, clock

    async def make(self, alert_id: str) -> None:
        """Make an attempt, unless another process has begun it, or there is nothing to be told any more."""
        begun = await self._database.transact(lambda session: self._begin(session, alert_id))
        if begun is None:
            return
        try:
            async with asyncio.timeout(_LONGEST):
                await self._leave(begun)
        except NotYet as not_yet:
            until = not_yet.until
            await self._database.transact(
                lambda session: lifecycle.take_back(session, begun.alert, begun.number, until=until)
            )
        except MailroomError as error:
            await self._fail(begun, error)
        except TimeoutError:
            await self._fail(begun, OutcomeUnknown(f"It was not confirmed within {_LONGEST:g} seconds."))
        except Exception:
            error_id = new_id()
            _LOG.exception("Alert %s ended with an error of our own (error %s).", alert_id, error_id)
            await self._fail(begun, OutcomeUnknown(f"It ended with an error of our own (error {error_id})."))
        else:
            # Where this cannot be stored, the alert stays in doubt, and is sent again under its name after its lease.
            await self._database.transact_patiently(
                lambda session: self._note_sent(session, begun), f"That alert {alert_id} was sent"
            )

    async def _begin(self, session: AsyncSession, alert_id: str) -> Begun | None:
        now = self._clock()
        alert = await repository.get(session, alert_id)
        if alert is None or alert.state != AlertState.PENDING or (alert.next_attempt_at or now) > now:
            return None
        found = await case.read(session, alert, self._settings, now=now)
        others = await repository.of_incident(session, alert.incident_id, TOLD)
        match lifecycle.turn_of(alert, lifecycle.surroundings(alert, found.incident, others, now=now)):
            case Turn.WITHDRAW:
                await lifecycle.withdraw(session, alert)
                return None
            case Turn.WAIT:
                await lifecycle.wait(session, alert, now=now)
                return None
        if alert.attempts >= MOST_ATTEMPTS:
            await self._give_up(session, alert, alert.attempts, found, "It was never confirmed.", in_doubt=True)
            return None
        number = await lifecycle.begin(session, alert, now=now)
        if number is None:
            return None
        story = case.story_of(alert, found, self._settings)
        message = message_of(story, self._settings.public_url, runbooks=self._settings.alerts.runbooks)
        return Begun(alert, number, found, story, message)

    async def _leave(self, begun: Begun) -> None:
        """Send the alert, until the far side has confirmed it.

        Raises:
            NotYet, MailroomError: it was not.
        """
        alert, key = begun.alert, f"alert-{begun.alert.id}"
        match Route(alert.route):
            case Route.MAIL:
                mailer = Mailer(
                    self._database, self._settings, clock=self._clock, broken=broken_by(begun.case.incident)
                )
                thread = alert.incident_id
                await mailer.send(begun.message, key=key, thread=thread, address=alert.target, attempt=begun.number)
            case Route.WEBHOOK:
                await request.send(self._settings.alerts, begun.story, begun.message, key=key, attempt=begun.number)

    async def _note_sent(self, session: AsyncSession, begun: Begun) -> None:
        alert, now = begun.alert, self._clock()
        if not await lifecycle.sent(session, alert, begun.number, now=now) or alert.route != Route.IN_APP:
            return
        if not is_told_already(begun.story, is_fallback=alert.fallback_of is not None):
            await notify(session, [notice_of(alert.target, begun.story, begun.message)], at=now)

    async def _fail(self, begun: Begun, error: MailroomError) -> None:
        """Note that an attempt failed, and when the next one is made; or that the route is given up."""

        async def note(session: AsyncSession) -> None:
            alert, now = begun.alert, self._clock()
            doubt, why = may_have_arrived(error), str(error)
            again = after_error(error, begun.number, now=now)
            if again is not None:
                await lifecycle.again(session, alert, begun.number, why, at=again.at, in_doubt=doubt)
                return
            await self._give_up(session, alert, begun.number, begun.case, why, in_doubt=doubt)

        await self._database.transact_patiently(note, f"That alert {begun.alert.id} was not sent")

    async def _give_up(
        self, session: AsyncSession, alert: Alert, number: int, found: Case, why: str, *, in_doubt: bool
    ) -> None:
        """Note that a route could not send an alert, and hand it to the next one, in the same transaction."""
        if not await lifecycle.fail(session, alert, number, why, in_doubt=in_doubt):
            return
        _LOG.warning("Alert %s could not be sent by %s: %s", alert.id, alert.route, why)
        now, stage, level = self._clock(), Stage(alert.stage), Level(alert.level)
        incident = await session.get(Incident, alert.incident_id, populate_existing=True)
        if stage is not Stage.RESOLVED and (incident is None or incident.resolved_at is not None):
            return
        same = await repository.of_incident(session, alert.incident_id, [stage])
        known = {outbox.target_of(one).key: AlertState(one.state) for one in same}
        for target in in_place_of(outbox.target_of(alert), level, found.people, known):
            args = (alert.incident_id, stage, level, target)
            await repository.insert(session, *args, at=now, now=now, fallback_of=alert.id)


def broken_by(incident: Incident) -> str:
    """Return the connection that an incident is about, or nothing. Pure."""
    return incident.subject if incident.kind == IncidentKind.CONNECTION_FAILING else ""
