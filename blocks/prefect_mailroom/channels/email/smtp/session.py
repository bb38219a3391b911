"""One session with an SMTP server: connect, encrypt, log in, and the commands of a mail."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import socket
import ssl
import time
from collections.abc import Iterator
from typing import cast

import aiosmtplib

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.oauth import tokens
from prefect_mailroom.channels.email.oauth.settings import OAuth
from prefect_mailroom.channels.email.oauth.tokens import Token
from prefect_mailroom.channels.email.smtp.errors import is_about_login, login_refused, translated
from prefect_mailroom.channels.email.smtp.server import Security, Server
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.tls import also_trust

_RESET_SECONDS = 5
_LINE_END = re.compile(rb"\r\n|\r|\n")


class _Client(aiosmtplib.SMTP):
    """aiosmtplib's client, which closes at once.

    Closing a TLS connection politely waits half a minute for the other end to say that it closes too, and holds on to
    the socket meanwhile.
    """

    def close(self) -> None:
        """Close without a word to the other end."""
        transport = cast("asyncio.WriteTransport | None", self.transport)  # uvloop's are none by their type.
        if transport is not None and not transport.is_closing():
            transport.abort()
        super().close()


class Session:
    """A connection to one server. `in_step` is False while an answer is due: then nothing else can be sent.

    Attributes:
        link: the socket below it. Its peer has passed the guard of what leaves.
        token: what it logged in with, where that was no password.
        mails: how many it has sent.
        idle_since: when it was last used, on this machine's monotonic clock.
    """

    def __init__(self, server: Server, link: socket.socket, *, seconds: float) -> None:
        self.server, self.link, self.seconds = server, link, seconds
        self.token: Token | None = None
        self.mails = 0
        self.idle_since = time.monotonic()
        self.in_step = False
        self._smtp = _Client(
            hostname=server.host,
            timeout=seconds,
            use_tls=server.security is Security.TLS,
            start_tls=False,
            tls_context=_tls(server.ca_certificates, server.verify, server.setting),
            local_hostname=server.local_hostname,
        )

    @classmethod
    async def connect(cls, server: Server, *, seconds: float) -> Session:
        """Connect, and say nothing yet.

        Args:
            seconds: the time for each answer of the server from now on.

        Raises:
            ConfigurationError, RetryLater: see `outbound.connect`.
        """
        link = await outbound.connect(server.host, server.port, timeout=seconds)
        try:
            return cls(server, link, seconds=seconds)
        except BaseException:
            link.close()
            raise

    @classmethod
    async def open(cls, server: Server, *, seconds: float) -> Session:
        """Return a session that is encrypted and logged in.

        A token that is refused is fetched anew and tried once more, unless it was just fetched.
        """
        began = time.monotonic()
        try:
            return await cls._opened(server, seconds)
        except TokenRefused as refused:
            tokens.of_process().forget(refused.login, refused.token)
            if refused.token.issued >= began:
                raise
        return await cls._opened(server, seconds)

    @classmethod
    async def _opened(cls, server: Server, seconds: float) -> Session:
        # Asked for first: a server may hang up while it waits.
        token = await tokens.of_process().get(server.oauth, seconds=seconds) if server.oauth is not None else None
        session = await cls.connect(server, seconds=seconds)
        session.token = token
        try:
            await session.greet()
            await session.encrypt()
            await session.log_in()
        except BaseException:
            session.close()
            raise
        return session

    @property
    def is_open(self) -> bool:
        """Tell whether the server has not hung up, as far as is known here."""
        return self._smtp.is_connected

    async def greet(self) -> None:
        """Read the greeting; with TLS from the start, encrypt before."""
        with translated(self.server), self._exchange():
            await self._smtp.connect(sock=self.link)

    async def encrypt(self) -> None:
        """Encrypt where the server does so after its greeting."""
        if self.server.security is Security.STARTTLS:
            with translated(self.server), self._exchange():
                await self._smtp.starttls()

    async def say_hello(self) -> None:
        """Say who we are, where that is not known yet."""
        with translated(self.server), self._exchange():
            if self._smtp.is_ehlo_or_helo_needed:
                await self._say_hello()

    async def log_in(self) -> None:
        """Say who we are, and log in where there is a login."""
        if self.server.oauth is not None and self.token is None:
            self.token = await tokens.of_process().get(self.server.oauth, seconds=self.seconds)
        with translated(self.server), self._exchange():
            if self._smtp.is_ehlo_or_helo_needed:
                await self._say_hello()
            if self.token is not None:
                await self._send_token(self.token)
            elif self.server.username:
                await self._smtp.login(self.server.username, self.server.password.get_secret_value())

    async def _say_hello(self) -> None:
        try:
            await self._smtp.ehlo()
        except aiosmtplib.SMTPHeloError:
            if not self._smtp.is_connected:
                raise
            await self._smtp.helo()

    async def _send_token(self, token: Token) -> None:
        assert self.server.oauth is not None
        if "xoauth2" not in self._smtp.server_auth_methods:
            raise ConfigurationError(
                f"{self.server.name} does not offer a login by tokens (XOAUTH2).",
                remedy="Check the server and its encryption, or log in with a password.",
                field=self.server.setting,
            )
        try:
            await self._smtp.auth_xoauth2(self.server.username, token.value.get_secret_value())
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                raise
            raise TokenRefused(self.server, self.server.oauth, token, error) from None

    @property
    def offers(self) -> dict[str, str]:
        """Return what the server offers, by its extension's name in lower case."""
        return self._smtp.esmtp_extensions

    def about(self, what: str) -> object:
        """Return what the transport knows, such as its `cipher` or `peercert`; None where it is gone."""
        return self._smtp.get_transport_info(what) if self._smtp.is_connected else None

    async def still_takes(self, sender: str, size: int) -> bool:
        """Begin a mail in a session that was kept; False where it is dead, tired of us, or no longer logged in."""
        try:
            await self._reset()
            await self.mail(sender, size)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError):
            return False
        except aiosmtplib.SMTPResponseException as error:
            if is_about_login(error):
                if self.server.oauth is not None and self.token is not None:
                    tokens.of_process().forget(self.server.oauth, self.token)
                return False
            if error.code == aiosmtplib.SMTPStatus.domain_unavailable:
                return False
            raise
        return True

    async def _reset(self) -> None:
        with self._exchange():
            await self._smtp.rset(timeout=min(self.seconds, _RESET_SECONDS))

    async def mail(self, sender: str, size: int) -> None:
        """Begin a mail of so many bytes."""
        with self._exchange():
            await self._smtp.mail(sender, options=[f"SIZE={size}"] if "size" in self.offers else [])

    async def rcpt(self, recipient: str) -> aiosmtplib.SMTPResponse:
        """Name one recipient; a refusal is returned too."""
        with self._exchange():
            try:
                return await self._smtp.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as refused:
                if refused.code == aiosmtplib.SMTPStatus.domain_unavailable:
                    raise
                return aiosmtplib.SMTPResponse(refused.code, refused.message)

    async def noop(self) -> None:
        """Ask for nothing."""
        with self._exchange():
            await self._smtp.noop()

    async def start_data(self) -> None:
        """Announce the content; nothing of it is sent yet."""
        with self._exchange():
            answer = await self._smtp.execute_command(b"DATA")
            if answer.code != aiosmtplib.SMTPStatus.start_input:
                raise aiosmtplib.SMTPDataError(answer.code, answer.message)

    async def content(self, wire: bytes, *, seconds: float) -> aiosmtplib.SMTPResponse:
        """Send the content, and return what the server says to it within so many seconds.

        From here on until its answer nobody can say whether the server has the mail.

        Args:
            wire: the content as `stuffed` makes it.
        """
        protocol = self._smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        with self._exchange():
            protocol.write(wire)
            answer = await protocol.read_response(timeout=seconds)
            if not 200 <= answer.code < 300:
                raise aiosmtplib.SMTPDataError(answer.code, answer.message)
        self.mails += 1
        return answer

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[None]:
        self.in_step = False
        try:
            yield
        except aiosmtplib.SMTPResponseException as error:
            # An answer that is none leaves the next one without its question.
            self.in_step = 400 <= error.code < 600 and error.code != aiosmtplib.SMTPStatus.domain_unavailable
            raise
        self.in_step = True

    async def leave(self) -> None:
        """Say goodbye and close. How the server answers changes nothing."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, RuntimeError):
            if self.in_step and self.is_open:
                self.in_step = False
                await self._smtp.quit(timeout=2)
        self.close()

    def hang_up(self) -> None:
        """Say goodbye without waiting for the answer, and close."""
        if self.in_step and self._smtp.protocol is not None:
            with contextlib.suppress(aiosmtplib.SMTPException):
                self._smtp.protocol.write(b"QUIT\r\n")
        self.close()

    def close(self) -> None:
        """Close at once."""
        self.in_step = False
        self._smtp.close()
        self.link.close()

    def abandon(self) -> None:
        """Let go of the connection in a forked child, without a word to the server: it is the parent's."""
        self.link.close()


class TokenRefused(ConfigurationError):
    """The server did not take the token."""

    def __init__(self, server: Server, login: OAuth, token: Token, answer: aiosmtplib.SMTPAuthenticationError) -> None:
        refused = login_refused(server, answer)
        super().__init__(refused.message, remedy=refused.remedy, field=refused.field)
        self.login, self.token = login, token


def stuffed(content: bytes) -> bytes:
    """Return the content as it goes over the wire: lines end with CRLF, those that begin with a dot get another one."""
    # No lone CR or LF may pass: some servers take one for a line's end, and what follows for commands of ours.
    if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):
        content = _LINE_END.sub(b"\r\n", content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    return (b"." if content.startswith(b".") else b"") + content.replace(b"\r\n.", b"\r\n..") + b".\r\n"


# 18 ms each, a tenth of a delivery's CPU.
@functools.lru_cache(maxsize=16)
def _tls(ca_certificates: str, verify: bool, setting: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    also_trust(
        context, ca_certificates, "ca_certificates" if setting == "credentials" else f"{setting}.ca_certificates"
    )
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
