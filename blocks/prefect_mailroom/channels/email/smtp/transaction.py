"""Send one mail to one or several recipients in one SMTP transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import aiosmtplib

from prefect_mailroom.channels.email.group import goes_out
from prefect_mailroom.channels.email.smtp.errors import translated
from prefect_mailroom.channels.email.smtp.server import Server
from prefect_mailroom.channels.email.smtp.session import stuffed
from prefect_mailroom.channels.email.smtp.sessions import SESSIONS, in_time, sessions_with
from prefect_mailroom.errors import Refused, RetryLater
from prefect_mailroom.text.filenames import clean_line


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold a server's answer, its words as one line of at most 200 characters."""

    code: int
    said: str

    def __str__(self) -> str:
        return f"{self.code} {self.said}".strip()


@dataclass(frozen=True, slots=True)
class Mail:
    """Hold a mail and its envelope.

    Attributes:
        content: the whole mail, with CRLF.
        before_data: awaited when a server has accepted the recipients, which may take long; what it raises ends the
            transaction before anything of the mail has left.
        attempt: how often it is tried with this; a group waits only so long for one of its members, see `group.py`.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    before_data: Callable[[], Awaitable[None]]
    attempt: int = 1

    @property
    def addressed(self) -> str:
        """Return the recipients for a message: the only one, or the first and how many more there are."""
        more = len(self.recipients) - 1
        return f"{self.recipients[0]} and {more} more" if more else self.recipients[0]


@dataclass(frozen=True, slots=True)
class Taken:
    """Record the answers of a server that has taken a mail.

    Attributes:
        reply: its answer to the content.
        to_each: its answer to each recipient; whom it refused there has not got the mail.
    """

    server: Server
    reply: Reply
    to_each: Mapping[str, Reply]


async def send(server: Server, mail: Mail, *, begun_by: float, until: float, sessions: int = SESSIONS) -> Taken:
    """Send one mail in a session that was kept, or in a new one.

    Args:
        begun_by: when the server must be ready for the content, on the event loop's clock.
        until: when its answer to the content must be there.
        sessions: how many may be open with this server at once.

    Raises:
        ConfigurationError, RetryLater, Refused, OutcomeUnknown: see `errors.py`. After each but the last, the server
            does not have the mail.
    """
    wire = await asyncio.to_thread(stuffed, mail.content)
    kept = await sessions_with(server, most=sessions)
    async with kept.begun(mail.sender, len(mail.content), until=begun_by) as session:
        with translated(server, mail.addressed):
            async with in_time(server, begun_by):
                to_each = {recipient: _reply(await session.rcpt(recipient)) for recipient in mail.recipients}
        _must_go_out(server, mail, to_each)
        await mail.before_data()
        clock = asyncio.get_running_loop().time
        with translated(server, mail.addressed):
            async with in_time(server, (clock() + until) / 2):
                await session.start_data()
        with translated(server, mail.addressed, data_sent=True):
            answer = await session.content(wire, seconds=max(until - clock(), 0.1))
    return Taken(server, _reply(answer), to_each)


def _must_go_out(server: Server, mail: Mail, to_each: Mapping[str, Reply]) -> None:
    """Refuse to go on where nobody would get the mail, or where it waits for somebody.

    Raises:
        RetryLater: one is refused for the moment, and the others wait for them.
        Refused: all are refused for good.
    """
    refused = {recipient: reply for recipient, reply in to_each.items() if reply.code >= 400}
    codes = [reply.code for reply in refused.values()]
    if not refused or goes_out(codes, len(to_each), attempt=mail.attempt):
        return
    # One that may get it later decides what becomes of the mail.
    recipient, reply = min(refused.items(), key=lambda one: one[1].code)
    if reply.code < 500:
        # Greylisting or a full mailbox: the connection itself works.
        raise RetryLater(
            f"{server.name} cannot accept the mail to {recipient} at the moment: {reply}.", of_recipient=True
        )
    raise Refused(f"{server.name} refused the mail to {mail.addressed}: {reply}.", remedy="Check the address.")


def _reply(answer: aiosmtplib.SMTPResponse) -> Reply:
    return Reply(answer.code, clean_line(answer.message)[:200])
