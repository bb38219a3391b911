"""Send an alert as a mail, through a mail connection that schedules use as well: with its limits and its breaker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from prefect.blocks.core import Block
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.alerts.sending.errors import NotYet, RouteClosed
from mailroom.alerts.timing import ATTEMPT_SECONDS
from mailroom.alerts.words.message import Message
from mailroom.connections import remembered
from mailroom.connections import repository as connections
from mailroom.connections.breaker import service as breaker
from mailroom.connections.service import load_at_hand
from mailroom.connections.turns import repository as turns
from mailroom.passes.sending.signs import sign_of
from mailroom.passes.sending.turns import limits_of
from mailroom.recipients.repository import suppressing
from mailroom.settings import Settings
from mailroom.stops import repository as stops
from mailroom.stops.spec import StopScope
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.base import Channel, Parcel, Receipt
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)
KIND = "email"


def chosen(rows: list[Connection], wanted: str) -> Connection | None:
    """Return the mail connection that alerts go through: the named one, else the one that was made first. Pure."""
    mail = [row for row in rows if row.kind == KIND]
    if wanted:
        return next((row for row in mail if row.name == wanted), None)
    return min(mail, key=lambda row: (row.created_at, row.name), default=None)


def parcel_of(
    message: Message, key: str, thread: str, address: str, connection: str, attempt: int, *, is_test: bool = False
) -> Parcel:
    """Return the mail of an alert. Pure: each attempt of it has the same key, and so the same Message-ID."""
    return Parcel(
        key=key,
        attempt=attempt,
        recipient=address,
        destination=EmailDestination(connection=connection, to=[address], attach="none", thread="one"),
        subject=message.subject,
        text=message.text,
        html=message.html,
        facts={"kind": "alert", "thread": f"alert:{thread}"},
        is_test=is_test,
    )


async def keep_at_hand(database: Database, settings: Settings) -> None:
    """Read the mail connection of alerts from time to time, so that a Prefect that is silent can be told by mail."""
    async with database.session() as session:
        row = chosen(list(await connections.every(session, viewer=SYSTEM)), settings.alerts.mail_connection)
    if row is None or remembered.of_process().is_at_hand(row):
        return
    try:
        await load_at_hand(row, settings, kind=KIND)
    except MailroomError as error:
        _LOG.info("The mail connection %s is not at hand for alerts: %s", row.name, error)


async def send_through(
    database: Database, name: str, block: Block, parcel: Parcel, *, clock: Callable[[], datetime]
) -> Receipt:
    """Send a mail of the system once through a connection, when it is its turn, and tell its breaker how it ended.

    Raises:
        NotYet: its turn is too far away; nothing has left.
        MailroomError: see `prefect_mailroom.errors`.
    """
    assert isinstance(block, Channel)
    channel = block.model_copy(update={"timeout_seconds": min(block.timeout_seconds, ATTEMPT_SECONDS)})
    await _take_turn(database, name, channel, clock)
    outcome: Receipt | MailroomError
    try:
        outcome = await channel.deliver(parcel)
    except MailroomError as error:
        outcome = error
    sign, why = sign_of(outcome), str(outcome) if isinstance(outcome, MailroomError) else ""
    try:
        await database.transact(
            lambda session: breaker.record(session, name, sign, probing=False, why=why, now=clock())
        )
    except (MailroomError, SQLAlchemyError, OSError):
        # What the far side said stands, whether this can be stored or not.
        _LOG.exception("How an alert went through the connection %s was not counted.", name)
    if isinstance(outcome, MailroomError):
        raise outcome
    return outcome


async def _take_turn(database: Database, name: str, channel: Channel, clock: Callable[[], datetime]) -> None:
    limits = limits_of(channel)
    turn = await database.transact(lambda session: turns.take(session, name, limits, now=clock()))
    if turn.back:
        raise NotYet(turn.at)
    await asyncio.sleep(max((turn.at - clock()).total_seconds(), 0))


class Mailer:
    """Sends mails to single addresses. `clock` gives the time.

    Args:
        broken: the connection that the alert is about: no mail is tried through it.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        broken: str = "",
        is_test: bool = False,
    ) -> None:
        self._database, self._settings, self._clock = database, settings, clock
        self._broken, self._is_test = broken, is_test

    async def send(self, message: Message, *, key: str, thread: str, address: str, attempt: int) -> Receipt:
        """Send a mail once, when it is its connection's turn; how it ended is told to the connection's breaker.

        Raises:
            RouteClosed, NotYet: nothing has left.
            MailroomError: see `prefect_mailroom.errors`.
        """
        async with self._database.session() as session:
            row = await self._open(session, address)
        parcel = parcel_of(message, key, thread, address, row.name, attempt, is_test=self._is_test)
        block = await load_at_hand(row, self._settings, kind=KIND)
        return await send_through(self._database, row.name, block, parcel, clock=self._clock)

    async def _open(self, session: AsyncSession, address: str) -> Connection:
        """Return the connection.

        Raises:
            RouteClosed: there is none, it is known not to work, or it must not be used for this address.
        """
        wanted = self._settings.alerts.mail_connection
        row = chosen(list(await connections.every(session, viewer=SYSTEM)), wanted)
        if row is None:
            which = f"no mail connection '{wanted}'" if wanted else "no mail connection"
            raise RouteClosed(f"There is {which}.", remedy="Make one, or correct MAILROOM_ALERTS__MAIL_CONNECTION.")
        if row.name == self._broken:
            raise RouteClosed(f"The mail connection '{row.name}' is what does not work.")
        if standing := await stops.at(session, StopScope.CONNECTION, row.name, viewer=SYSTEM):
            raise RouteClosed(f"Nothing goes through the mail connection '{row.name}' now ({standing[0].cause}).")
        if (await session.execute(select(suppressing(address)))).scalar_one_or_none() is not None:
            raise RouteClosed("Nothing is sent to this address: it is on the list of suppressions.")
        return row
