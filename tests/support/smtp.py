"""A real SMTP server for tests: it keeps every mail, and answers as it is told.

async with SmtpServer().serving() as server: ...    # in the event loop of the test
with SmtpServer().in_thread() as server: ...        # where processes or threads send, or no loop runs
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.message
import email.policy
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.waiting import eventually

QUEUE_ID = "4F2A1B3C"
USERNAME, PASSWORD = "mailroom", "canary-smtp-password"


def smtp_settings(port: int, **credentials: Any) -> dict[str, Any]:
    """Return the settings of an e-mail connection to a server of this machine that speaks plainly, at any rate."""
    server = {"smtp_server": "127.0.0.1", "smtp_port": port, "smtp_type": "INSECURE", **credentials}
    sender = {"from_address": "reports@example.com", "allow_plain": True, "max_per_second": None}
    return {"credentials": server, **sender}


@dataclass
class SmtpServer:
    """Everything but the port can be changed at any time; without any of it, each mail is taken.

    Attributes:
        port: where it listens; 0 lets the system choose.
        envelopes: one for each mail whose content arrived, whatever it was answered.
        mails: (recipient, message) for each recipient of each mail that was taken.
        replies: recipient -> the answer that refuses it, or a list of answers for its next attempts (greylisting).
        mail_reply, rcpt_reply: answers to every MAIL and RCPT in place of the usual ones.
        before_rcpt: awaited before the answer to each RCPT. A session that is kept calls the handler that it began
            with, so that replacing the handler would not reach it.
        data_reply: the answer to a mail's content. One that does not begin with 250 takes nothing.
        data_hangs: never answer a mail's content.
        data_breaks: cut the connection once a mail's content is there, before any answer.
        before: is awaited when a mail has come, before it is taken.
        held: mails to these recipients wait, listed in `waiting`, until `release`.
        logins: the mechanism of each login that was tried.
        connections: how many clients have connected.
    """

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    mails: list[tuple[str, email.message.EmailMessage]] = field(default_factory=list)
    replies: dict[str, str | list[str]] = field(default_factory=dict)
    mail_reply: str | None = None
    rcpt_reply: str | None = None
    before_rcpt: Callable[[], Awaitable[None]] | None = None
    data_reply: str = f"250 2.0.0 Ok: queued as {QUEUE_ID}"
    data_hangs: bool = False
    data_breaks: bool = False
    before: Callable[[], Awaitable[object]] | None = None
    held: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    connections: int = 0

    def taken(self) -> list[str]:
        """Return who got a mail, in order of address; a name twice is a duplicate."""
        return sorted(recipient for recipient, _ in self.mails)

    def counts(self) -> Counter[str]:
        """Return how many mails each recipient got."""
        return Counter(recipient for recipient, _ in self.mails)

    def message_ids(self) -> list[str]:
        """Return the Message-ID of each mail, in the order in which they were taken."""
        return [str(message["Message-ID"]) for _, message in self.mails]

    def release(self) -> None:
        """Take the mails that wait, and hold none any more."""
        self.held.clear()

    def clear(self) -> None:
        """Forget every mail, and release those that wait."""
        self.release()
        for kept in (self.envelopes, self.mails, self.waiting):
            kept.clear()

    @contextlib.asynccontextmanager
    async def serving(
        self, tls: ssl.SSLContext | None = None, *, implicit: bool = False, auth: bool = False
    ) -> AsyncIterator[SmtpServer]:
        """Serve in this event loop: plainly, by STARTTLS where `tls` is given, or by TLS from the start (`implicit`).

        With `auth`, nobody sends without the login of `USERNAME` and `PASSWORD`.
        """
        starttls = None if implicit else tls
        protocols: list[SMTP] = []

        def protocol() -> SMTP:
            self.connections += 1
            protocols.append(
                SMTP(
                    self,
                    hostname="mail.test",
                    tls_context=starttls,
                    require_starttls=starttls is not None,
                    auth_required=auth,
                    auth_require_tls=starttls is not None,
                    authenticator=self._login if auth else None,
                    auth_exclude_mechanism=["LOGIN"],
                    data_size_limit=60_000_000,
                )
            )
            return protocols[-1]

        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, "127.0.0.1", self.port, ssl=tls if implicit else None)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for opened in protocols:
                # A TLS connection that is gone cannot be aborted: asyncio of Python 3.11.2 raises AttributeError.
                if isinstance(opened.transport, asyncio.WriteTransport) and not opened.transport.is_closing():
                    opened.transport.abort()
                if opened._handler_coroutine is not None:
                    opened._handler_coroutine.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await opened._handler_coroutine

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[SmtpServer]:
        """Serve plainly, in a thread with an event loop of its own."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="smtp", daemon=True)
        thread.start()
        serving = self.serving()
        try:
            asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(30)
            try:
                yield self
            finally:
                asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(30)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name.
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer who sends."""
        if self.mail_reply:
            return self.mail_reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name.
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer who is to get it."""
        if self.before_rcpt is not None:
            await self.before_rcpt()
        reply = self.rcpt_reply or self.replies.get(address)
        if isinstance(reply, list):
            reply = reply.pop(0) if reply else None
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name.
        """Take the mail, or do what was told in place of it."""
        if self.data_hangs:
            await asyncio.Event().wait()
        if self.before:
            await self.before()
        if self.held.intersection(envelope.rcpt_tos):
            self.waiting += envelope.rcpt_tos
            await eventually(lambda: not self.held.intersection(envelope.rcpt_tos), seconds=600)
        self.envelopes.append(envelope)
        if self.data_breaks:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        elif self.data_reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, email.message.EmailMessage)
            self.mails += [(recipient, message) for recipient in envelope.rcpt_tos]
        return self.data_reply

    def _login(self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(mechanism)
        return AuthResult(success=data == LoginPassword(USERNAME.encode(), PASSWORD.encode()), handled=False)
