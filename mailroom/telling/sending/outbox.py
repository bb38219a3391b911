"""Send the mails that are due, through the connections that they name; whatever cannot be sent now is tried again.

A mail that was taken by a process that died is taken again when its lease has ended, with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.alerts.sending.errors import NotYet
from mailroom.alerts.sending.mail import KIND, send_through
from mailroom.connections import repository as connections
from mailroom.connections.service import load_known
from mailroom.passes.retry import next_attempt
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.upkeep.tellings import Telling
from mailroom.storage.tables import Connection
from mailroom.telling import repository
from mailroom.telling.sending.allowed import Dropped, Held, why_not
from mailroom.telling.spec import Mail, TellingKind, TellingState
from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.retries import STANDARD
from prefect_mailroom.errors import MailroomError, Retryable, Withdrawn

_LOG = logging.getLogger(__name__)
GIVEN_UP_AFTER = timedelta(hours=24)
"""A mail that could not be sent for so long is given up: there is newer news by then."""
_BATCH = 50
_AT_ONCE = 4
"""Mails that are sent at the same time: few, so that reports go first."""

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Sent:
    """Count what became of the mails that were due."""

    sent: int = 0
    later: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Office:
    """Everything that sending needs besides the mail."""

    database: Database
    settings: Settings
    clock: Clock


class _NotNow(Withdrawn):
    """The mail was taken back just before it left."""

    def __init__(self, answer: Dropped | Held) -> None:
        super().__init__(answer.why if isinstance(answer, Dropped) else "Sending is stopped.")
        self.answer = answer


async def send_due(database: Database, settings: Settings, kinds: Collection[TellingKind], *, clock: Clock) -> Sent:
    """Send every mail of these kinds that is due, and return what became of them."""
    count, office = Sent(), Office(database, settings, clock)
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Telling) -> None:
        async with places:
            await _send(office, row, count)

    while batch := await database.transact(partial(_take, kinds, clock())):
        await asyncio.gather(*map(one, batch))
    return count


async def _take(kinds: Collection[TellingKind], now: datetime, session: AsyncSession) -> list[Telling]:
    return await repository.take(session, kinds, now=now, limit=_BATCH)


async def _send(office: Office, row: Telling, count: Sent) -> None:
    """Send one mail, and write down how it ended."""
    assert row.content is not None, "what is pending has its mail"
    mail = Mail(**row.content)
    try:
        connection = await _require_wanted(office, row, mail)
        parcel = replace(_parcel(row, mail), last_look=partial(_look_again, office, row, mail))
        block = await load_known(connection, office.settings, kind=KIND)
        await send_through(office.database, connection.name, block, parcel, clock=office.clock)
    except _NotNow as taken_back:
        await _not_now(office, row, taken_back.answer, count)
    except NotYet as waits:
        await _back_at(office, row, waits.until, count)
    except MailroomError as error:
        await _failed(office, row, error, count)
    else:
        await _end(office, row, TellingState.SENT, "")
        count.sent += 1


async def _require_wanted(office: Office, row: Telling, mail: Mail) -> Connection:
    """Return the connection of a mail that may leave.

    Raises:
        _NotNow: it may not.
        NotFound: the connection was deleted.
    """
    async with office.database.session() as session:
        answer = await why_not(session, row, mail.to, office.settings, now=office.clock())
        if answer is not None:
            raise _NotNow(answer)
        return await connections.get(session, row.connection, viewer=SYSTEM)


async def _look_again(office: Office, row: Telling, mail: Mail) -> None:
    await _require_wanted(office, row, mail)


def _parcel(row: Telling, mail: Mail) -> Parcel:
    """Return the mail as a parcel: its key, and with it the Message-ID, is the same for each try. Pure."""
    target = EmailDestination(connection=row.connection, to=[mail.to], attach="none")
    owner = {"name": mail.owner_name, "email": mail.owner_email}
    return Parcel(
        key=f"telling-{row.id}",
        attempt=row.attempts,
        recipient=mail.to,
        destination=target,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        facts={"owner": owner} if mail.owner_email else {},
        unsubscribe_url=mail.stop_url,
    )


async def _not_now(office: Office, row: Telling, answer: Dropped | Held, count: Sent) -> None:
    if isinstance(answer, Held) and office.clock() - row.created_at < GIVEN_UP_AFTER:
        await _back_at(office, row, answer.until, count)
        return
    why = answer.why if isinstance(answer, Dropped) else "Sending was stopped for too long."
    await _end(office, row, TellingState.DROPPED, why)
    count.dropped += 1


async def _back_at(office: Office, row: Telling, until: datetime, count: Sent) -> None:
    """Let a mail come back that was not tried."""
    await office.database.transact(partial(repository.put_off, row=row, until=until, error="", tried=False))
    count.later += 1


async def _failed(office: Office, row: Telling, error: MailroomError, count: Sent) -> None:
    again = None
    if isinstance(error, Retryable):
        again = next_attempt(
            attempts=row.attempts,
            retries=STANDARD,
            max_attempts=None,
            now=office.clock(),
            not_before=error.not_before,
            key=row.id,
        )
    if again is None or again - row.created_at > GIVEN_UP_AFTER:
        _LOG.warning("The %s %s was given up: %s", row.kind.replace("_", " "), row.id, error)
        await _end(office, row, TellingState.FAILED, str(error))
        count.failed += 1
        return
    await office.database.transact(partial(repository.put_off, row=row, until=again, error=str(error)))
    count.later += 1


async def _end(office: Office, row: Telling, state: TellingState, error: str) -> None:
    end = partial(repository.ended, row=row, state=state, error=error, now=office.clock())
    await office.database.transact_patiently(end, f"The end of the mail {row.id} ({state})")
