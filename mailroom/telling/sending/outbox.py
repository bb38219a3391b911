"""Send the mails that are due, through the connections that they name; whatever cannot be sent now is tried again.

A mail that was taken by a process that died is taken again when its lease has ended, with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.connections.service import load_named
from mailroom.connections.turns import repository as turns
from mailroom.passes.retry import next_attempt
from mailroom.passes.sending.turns import limits_of
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.tellings import Telling
from mailroom.telling import repository
from mailroom.telling.sending.allowed import Dropped, Held, why_not
from mailroom.telling.spec import Mail, TellingKind, TellingState
from prefect_mailroom.channels.base import Channel, Parcel
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


class _NotNow(Withdrawn):
    """The mail was taken back just before it left."""

    def __init__(self, answer: Dropped | Held) -> None:
        super().__init__(answer.why if isinstance(answer, Dropped) else "Sending is stopped.")
        self.answer = answer


async def send_due(database: Database, settings: Settings, kinds: Collection[TellingKind], *, clock: Clock) -> Sent:
    """Send every mail of these kinds that is due, and return what became of them."""
    count, channels = Sent(), _Channels(database, settings)
    while True:
        batch = await database.transact(partial(_take, kinds, clock()))
        if not batch:
            return count
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(row: Telling, places: asyncio.Semaphore = places) -> None:
            async with places:
                await _send(channels, row, count, clock)

        await asyncio.gather(*(one(row) for row in batch))


async def _take(kinds: Collection[TellingKind], now: datetime, session: AsyncSession) -> list[Telling]:
    return await repository.take(session, kinds, now=now, limit=_BATCH)


class _Channels:
    """The blocks of the connections, each loaded once for a look at what is due."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self._loading: dict[str, asyncio.Task[object]] = {}

    async def get(self, name: str) -> Channel:
        """Return the block of a mail connection.

        Raises:
            MailroomError: it cannot be had.
        """
        if name not in self._loading:
            loading = load_named(self.database, self.settings, name, kind="email")
            self._loading[name] = asyncio.create_task(_awaited(loading))
        channel = await self._loading[name]
        assert isinstance(channel, Channel), "load_named gives the class of the kind"
        return channel


async def _awaited(loading: Awaitable[object]) -> object:
    return await loading


async def _send(channels: _Channels, row: Telling, count: Sent, clock: Clock) -> None:
    """Send one mail, and write down how it ended."""
    database, channel = channels.database, None
    try:
        assert row.content is not None, "what is pending has its mail"
        mail = Mail(**row.content)
        await _require_wanted(channels, row, mail, clock)
        channel = await channels.get(row.connection)
        if (back := await _turn(database, channel, row.connection, clock)) is not None:
            await database.transact(lambda session: repository.put_off(session, row, back, "", tried=False))
            count.later += 1
            return
        parcel = replace(_parcel(row, mail), last_look=partial(_require_wanted, channels, row, mail, clock))
        await channel.deliver(parcel)
    except _NotNow as taken_back:
        await _not_now(database, row, taken_back.answer, count, clock)
    except MailroomError as error:
        await _failed(database, row, error, channel, count, clock)
    else:
        await _end(database, row, TellingState.SENT, "", clock)
        count.sent += 1


async def _require_wanted(channels: _Channels, row: Telling, mail: Mail, clock: Clock) -> None:
    """Take the mail back where it may not leave.

    Raises:
        _NotNow.
    """
    async with channels.database.session() as session:
        answer = await why_not(session, row, mail.to, channels.settings, now=clock())
    if answer is not None:
        raise _NotNow(answer)


async def _turn(database: Database, channel: Channel, name: str, clock: Clock) -> datetime | None:
    """Wait for a turn of the connection; return when to come back where it is too far away."""
    limits = limits_of(channel)
    turn = await database.transact(lambda session: turns.take(session, name, limits, now=clock()))
    if turn.back:
        return turn.at
    await asyncio.sleep(max(0.0, (turn.at - clock()).total_seconds()))
    return None


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


async def _not_now(database: Database, row: Telling, answer: Dropped | Held, count: Sent, clock: Clock) -> None:
    if isinstance(answer, Held) and clock() - row.created_at < GIVEN_UP_AFTER:
        until = answer.until
        await database.transact(lambda session: repository.put_off(session, row, until, "", tried=False))
        count.later += 1
        return
    why = answer.why if isinstance(answer, Dropped) else "Sending was stopped for too long."
    await _end(database, row, TellingState.DROPPED, why, clock)
    count.dropped += 1


async def _failed(
    database: Database, row: Telling, error: MailroomError, channel: Channel | None, count: Sent, clock: Clock
) -> None:
    now = clock()
    again = None
    if isinstance(error, Retryable):
        again = next_attempt(
            attempts=row.attempts,
            retries=channel.retries if channel is not None else STANDARD,
            max_attempts=None,
            now=now,
            not_before=error.not_before,
            key=row.id,
        )
    if again is None or again - row.created_at > GIVEN_UP_AFTER:
        _LOG.warning("The %s %s was given up: %s", row.kind.replace("_", " "), row.id, error)
        await _end(database, row, TellingState.FAILED, str(error), clock)
        count.failed += 1
        return
    until = again
    await database.transact(lambda session: repository.put_off(session, row, until, str(error)))
    count.later += 1


async def _end(database: Database, row: Telling, state: TellingState, error: str, clock: Clock) -> None:
    async def write(session: AsyncSession) -> None:
        await repository.ended(session, row, state, error, now=clock())

    await database.transact_patiently(write, f"The end of the mail {row.id} ({state})")
