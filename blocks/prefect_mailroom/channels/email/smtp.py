"""One SMTP session through aiosmtplib: connect, encrypt, log in, send."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiosmtplib

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.group import goes_out
from prefect_mailroom.channels.email.server import Security, Server
from prefect_mailroom.channels.email.smtp_errors import queue_id, translated
from prefect_mailroom.errors import ConfigurationError, RetryLater
from prefect_mailroom.text.filenames import clean_line

__all__ = ["Reply", "probe", "queue_id", "send"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer to DATA, its words as one line of at most 200 characters.

    `to_each` has its answer to each recipient, in the same form behind its code.
    """

    code: int
    said: str
    to_each: Mapping[str, str]


async def send(
    server: Server,
    raw: bytes,
    *,
    sender: str,
    recipients: Sequence[str],
    attempt: int,
    before_data: Callable[[], Awaitable[None]],
) -> Reply:
    """Send one mail to its recipients in one transaction, and return what the server said to it.

    Args:
        attempt: how often it is tried with this; a group waits only so long for one of its members, see `group.py`.
        before_data: awaited when the server has accepted the recipient, which may take long; what it raises ends the
            session before anything of the mail has left.

    Raises:
        ConfigurationError, RetryLater, Refused, OutcomeUnknown: see `smtp_errors.py`.
    """
    async with _session(server) as smtp:
        with translated(server.name, recipients[0]):
            async with _before_data(server):
                await smtp.mail(sender)
                to_each = await _name_recipients(smtp, server, recipients, attempt)
        await before_data()
        with translated(server.name, recipients[0], data_sent=True):
            reply = await smtp.data(raw)
    return Reply(reply.code, clean_line(reply.message)[:200], to_each)


async def _name_recipients(
    smtp: aiosmtplib.SMTP, server: Server, recipients: Sequence[str], attempt: int
) -> dict[str, str]:
    """Name the recipients to the server, and return its answer to each.

    Raises:
        Refused, RetryLater: the mail does not go out, see `group.py`.
    """
    refused: dict[str, aiosmtplib.SMTPRecipientRefused] = {}
    said: dict[str, str] = {}
    for recipient in recipients:
        try:
            answer = await smtp.rcpt(recipient)
        except aiosmtplib.SMTPRecipientRefused as error:
            refused[recipient] = error
            said[recipient] = f"{error.code} {clean_line(error.message)[:200]}"
        else:
            said[recipient] = f"{answer.code} {clean_line(answer.message)[:200]}"
    if refused and not goes_out([error.code for error in refused.values()], len(recipients), attempt=attempt):
        # One that may get it later decides what becomes of the mail.
        recipient, worst = min(refused.items(), key=lambda one: one[1].code)
        with translated(server.name, recipient):
            raise worst
    return said


async def probe(server: Server) -> str:
    """Connect, encrypt, log in and leave; return the cipher's protocol, or '' where nothing is encrypted."""
    async with _session(server) as smtp:
        with translated(server.name):
            await smtp.noop()
        cipher = smtp.get_transport_info("cipher")
    return str(cipher[1]) if cipher else ""


@contextlib.asynccontextmanager
async def _before_data(server: Server) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(server.seconds):
            yield
    except TimeoutError as error:
        raise RetryLater(f"{server.name} was too slow to take the mail.") from error


@contextlib.asynccontextmanager
async def _session(server: Server) -> AsyncIterator[aiosmtplib.SMTP]:
    """Open an encrypted, logged-in session with a server that may be reached."""
    smtp = aiosmtplib.SMTP(
        hostname=server.host,
        timeout=server.seconds,
        use_tls=server.security is Security.TLS,
        start_tls=server.security is Security.STARTTLS,
        tls_context=_tls(server.ca_certificates, server.verify),
        local_hostname=server.local_hostname,
    )
    link = await outbound.connect(server.host, server.port, timeout=server.seconds)
    try:
        with translated(server.name):
            async with _before_data(server):
                await smtp.connect(sock=link)
                if server.username:
                    await smtp.login(server.username, server.password.get_secret_value())
        yield smtp
        # The mail is accepted; how the server says goodbye changes nothing.
        with contextlib.suppress(aiosmtplib.SMTPException):
            await smtp.quit(timeout=5)
    finally:
        smtp.close()
        link.close()


# 18 ms each, a tenth of a delivery's CPU.
@functools.lru_cache(maxsize=16)
def _tls(ca_certificates: str, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_certificates:
        try:
            context.load_verify_locations(cadata=ca_certificates)
        except ssl.SSLError as error:
            raise ConfigurationError(
                "The CA certificates cannot be read.",
                remedy="Give the certificates in PEM format.",
                field="ca_certificates",
            ) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
